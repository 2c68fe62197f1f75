#include <chrono>

#include "base/text.hpp"
#include "base/topic.hpp"
#include "edgepost/mqtt.hpp"
#include "platform/platform.hpp"
#include "transport/mqtt/attributes.hpp"
#include "transport/mqtt/mqtt_transport.hpp"

namespace edgepost {
namespace {

constexpr std::size_t kStringBytesMax = 65'535;

Status invalid(std::string message) { return {Code::invalid_argument, std::move(message)}; }

Status check_identity(const MqttOptions& options) {
  if (options.client_id.empty()) return invalid("client_id: it is empty");
  if (Status status = validate_text("client_id", options.client_id, 128); !status.is_ok()) {
    return status;
  }
  if (Status status = validate_text("user_name", options.user_name, kStringBytesMax);
      !status.is_ok()) {
    return status;
  }
  const Secret& password = options.password;
  if (options.user_name.empty() && !password.is_empty()) {
    return invalid("password: it needs a user_name");
  }
  const int origins = (password.value.empty() ? 0 : 1) + (password.file.empty() ? 0 : 1) +
                      (password.source ? 1 : 0);
  if (origins > 1) return invalid("password: one of value, file and source, not several");
  if (password.value.size() > kStringBytesMax || password.value.find('\0') != std::string::npos) {
    return invalid("password: longer than 65,535 bytes, or NUL in it");
  }
  return {};
}

Status check(const MqttOptions& options) {
  using std::chrono::seconds;
  if (options.mode == MqttMode::binary && options.version == MqttVersion::v311) {
    return invalid("mode: binary needs MQTT 5.0, and version is v311");
  }
  if (options.keep_alive < seconds(5) || options.keep_alive > std::chrono::hours(18)) {
    return invalid("keep_alive: from 5 s to 18 h");
  }
  if (options.in_flight_max < 1 || options.in_flight_max > 65'535) {
    return invalid("in_flight_max: from 1 to 65,535");
  }
  if (options.inbound_packet_max < 1024 || options.inbound_packet_max > 64 * 1024 * 1024) {
    return invalid("inbound_packet_max: from 1 KiB to 64 MiB");
  }
  if (options.presence_online.size() > kStringBytesMax) {
    return invalid("presence_online: longer than 65,535 bytes");
  }
  if (options.presence_offline.size() > kStringBytesMax) {
    return invalid("presence_offline: longer than 65,535 bytes");
  }
  for (std::size_t i = 0; i < options.subscriptions.size(); ++i) {
    if (Status status = validate_filter(options.subscriptions[i]); !status.is_ok()) {
      return invalid("subscriptions[" + std::to_string(i) + "]: " + status.message());
    }
  }
  return {};
}

Status check_tls(const MqttOptions& options, const mqtt::BrokerAddress& broker) {
  if (broker.is_tls && options.tls == nullptr) return invalid("tls: mqtts:// needs it");
  if (!broker.is_tls && options.tls != nullptr) {
    return invalid("url: it is unencrypted although tls is given; write mqtts://");
  }
  return {};
}

/// A topic of ours that is the same for all events; empty where the option is.
Result<std::string> fixed_topic(std::string_view what, const std::string& text,
                                const mqtt::TopicTemplate::Fixed& fixed, mqtt::TopicRule rule) {
  if (text.empty()) return std::string();
  const Result<mqtt::TopicTemplate> read = mqtt::TopicTemplate::parse(what, text, fixed, rule);
  if (!read) return read.status();
  if (!read->is_fixed()) {
    return invalid(std::string(what) + ": only {prefix} and {device_id} are known here");
  }
  return read->expand({});
}

}  // namespace

Result<std::unique_ptr<Transport>> make_mqtt_transport(const MqttOptions& options,
                                                       const Platform& platform) {
  Result<mqtt::BrokerAddress> broker = mqtt::parse_broker_url(options.url);
  if (!broker) return broker.status();
  Status status = check_tls(options, *broker);
  if (status.is_ok()) status = check_identity(options);
  if (status.is_ok()) status = check(options);
  if (!status.is_ok()) return status;
  const mqtt::TopicRule rule = options.allow_mangled_topics ? mqtt::TopicRule::as_mqtt_has_it
                                                            : mqtt::TopicRule::everywhere_same;
  const mqtt::TopicTemplate::Fixed fixed{
      options.prefix, options.device_id.empty() ? options.client_id : options.device_id};
  Result<mqtt::TopicTemplate> topics =
      mqtt::TopicTemplate::parse("topic_template", options.topic_template, fixed, rule);
  if (!topics) return topics.status();
  Result<std::string> presence = fixed_topic("presence_topic", options.presence_topic, fixed, rule);
  if (!presence) return presence.status();
  Result<std::string> confirm = fixed_topic("confirm_topic", options.confirm_topic, fixed, rule);
  if (!confirm) return confirm.status();
  mqtt::MqttTransport::Parts parts{.options = options,
                                   .broker = std::move(*broker),
                                   .topics = std::move(*topics),
                                   .presence = {.topic = std::move(*presence),
                                                .online = options.presence_online,
                                                .offline = options.presence_offline},
                                   .confirm_topic = std::move(*confirm),
                                   .platform = complete(platform)};
  if (options.mode == MqttMode::binary) parts.options.version = MqttVersion::v5;
  auto transport = std::make_unique<mqtt::MqttTransport>(std::move(parts));
  if (status = transport->open(); !status.is_ok()) return status;
  return std::unique_ptr<Transport>(std::move(transport));
}

Result<Event> make_reply(const Event& request) {
  const std::string* const topic = find_attribute(request, kResponseTopic);
  if (topic == nullptr) return invalid("responsetopic: the request asks for no reply");
  if (Status status = validate_topic(*topic); !status.is_ok()) {
    return invalid("responsetopic: " + status.message());
  }
  Event reply;
  reply.topic = *topic;
  reply.correlation_id = request.correlation_id;
  reply.attributes.push_back({std::string(mqtt::kDestination), *topic});
  if (const std::string* const data = find_attribute(request, mqtt::kCorrelationData)) {
    reply.attributes.push_back({std::string(mqtt::kCorrelationData), *data});
  }
  return reply;
}

}  // namespace edgepost
