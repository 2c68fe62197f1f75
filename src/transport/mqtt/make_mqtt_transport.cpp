#include <cerrno>
#include <system_error>

#include "base/text.hpp"
#include "edgepost/mqtt.hpp"
#include "transport/mqtt/mqtt_transport.hpp"

namespace edgepost {
namespace {

Status check(const MqttOptions& options) {
  using std::chrono::seconds;
  constexpr std::size_t kStringBytesMax = 65'535;
  const auto invalid = [](std::string message) {
    return Status(Code::invalid_argument, std::move(message));
  };
  if (options.client_id.empty()) return invalid("client_id: it is empty");
  if (Status status = validate_text("client_id", options.client_id, 128); !status.is_ok()) {
    return status;
  }
  if (Status status = validate_text("user_name", options.user_name, kStringBytesMax);
      !status.is_ok()) {
    return status;
  }
  if (options.password.value.size() > kStringBytesMax ||
      options.password.value.find('\0') != std::string::npos) {
    return invalid("password: longer than 65,535 bytes, or NUL in it");
  }
  if (options.user_name.empty() && !options.password.is_empty()) {
    return invalid("password: it needs a user_name");
  }
  if (options.mode == MqttMode::binary && options.version == MqttVersion::v311) {
    return invalid("mode: binary needs MQTT 5.0, and version is v311");
  }
  if (options.keep_alive < seconds(5) || options.keep_alive > std::chrono::hours(18)) {
    return invalid("keep_alive: from 5 s to 18 h");
  }
  if (options.in_flight_max < 1 || options.in_flight_max > 65'535) {
    return invalid("in_flight_max: from 1 to 65,535");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_mqtt_transport(const MqttOptions& options,
                                                       const Platform& platform) {
  Result<mqtt::BrokerAddress> broker = mqtt::parse_broker_url(options.url);
  if (!broker) return broker.status();
  if (Status status = check(options); !status.is_ok()) return status;
  Result<mqtt::TopicTemplate> topics =
      mqtt::TopicTemplate::parse(options.topic_template, options.prefix,
                                 options.device_id.empty() ? options.client_id : options.device_id);
  if (!topics) return topics.status();
  MqttOptions resolved = options;
  if (options.mode == MqttMode::binary) resolved.version = MqttVersion::v5;
  auto transport = std::make_unique<mqtt::MqttTransport>(resolved, std::move(*broker),
                                                         std::move(*topics), platform.logger);
  if (!transport->is_usable()) {
    return Status(Code::io_error, "eventfd: " + std::generic_category().message(errno));
  }
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace edgepost
