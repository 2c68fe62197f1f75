#include "transport/mqtt/client.hpp"

#include <mqtt_protocol.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>

#include "transport/mqtt/properties.hpp"

namespace edgepost::mqtt {
namespace {

// How long a broker keeps the session of a gateway that is gone.
constexpr std::uint32_t kSessionExpirySeconds = 24 * 60 * 60;

// Of a message that comes in, so many are looked at: an event has room for 32 and a dozen fields.
constexpr std::size_t kUserPropertiesMax = 64;

// One read() notes so many happenings and one more batch of libmosquitto's.
constexpr std::size_t kHappeningsMax = 256;

/// Initialises libmosquitto once for the process, whatever threads come first. It is never undone:
/// that would free nothing but what the process takes with it anyway.
bool initialise_library() {
  static const int result = mosquitto_lib_init();
  return result == MOSQ_ERR_SUCCESS;
}

using Text = std::unique_ptr<char, decltype(&std::free)>;

std::string read_string(const mosquitto_property* properties, int identifier) {
  char* value = nullptr;
  mosquitto_property_read_string(properties, identifier, &value, false);
  const Text owner(value, &std::free);
  return value == nullptr ? std::string() : std::string(value);
}

std::string read_bytes(const mosquitto_property* properties, int identifier) {
  void* value = nullptr;
  std::uint16_t size = 0;
  mosquitto_property_read_binary(properties, identifier, &value, &size, false);
  const Text owner(static_cast<char*>(value), &std::free);
  return value == nullptr ? std::string() : std::string(owner.get(), size);
}

void read_user_properties(const mosquitto_property* properties, Inbound& inbound) {
  for (auto* each = properties;
       each != nullptr && inbound.user_properties.size() < kUserPropertiesMax;
       each = mosquitto_property_next(each)) {
    if (mosquitto_property_identifier(each) != MQTT_PROP_USER_PROPERTY) continue;
    char* name = nullptr;
    char* value = nullptr;
    mosquitto_property_read_string_pair(each, MQTT_PROP_USER_PROPERTY, &name, &value, false);
    const Text name_owner(name, &std::free);
    const Text value_owner(value, &std::free);
    if (name != nullptr && value != nullptr) inbound.user_properties.emplace_back(name, value);
  }
}

}  // namespace

std::unique_ptr<Client> Client::make(const MqttOptions& options, const std::string& password,
                                     const Presence& presence, bool is_v5) {
  if (!initialise_library()) return nullptr;
  std::unique_ptr<Client> client(new Client(options, is_v5));
  return client->set_up(options, password, presence) ? std::move(client) : nullptr;
}

Client::Client(const MqttOptions& options, bool is_v5)
    : is_v5_(is_v5),
      inbound_packet_max_(static_cast<std::uint32_t>(options.inbound_packet_max)),
      keep_alive_seconds_(static_cast<int>(
          std::chrono::duration_cast<std::chrono::seconds>(options.keep_alive).count())),
      handle_(mosquitto_new(options.client_id.c_str(), false, this), &mosquitto_destroy) {}

bool Client::set_up(const MqttOptions& options, const std::string& password,
                    const Presence& presence) {
  mosquitto* const handle = handle_.get();
  if (handle == nullptr) return false;
  mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION,
                       is_v5_ ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  // No window of libmosquitto's own (0 means 65,535): the uplink's is the one that counts.
  mosquitto_int_option(handle, MOSQ_OPT_SEND_MAXIMUM, 0);
  // A threaded client only queues packets, and whatever is to be stored first is stored first.
  mosquitto_threaded_set(handle, true);
  mosquitto_connect_v5_callback_set(handle, &Client::on_connect);
  mosquitto_disconnect_v5_callback_set(handle, &Client::on_disconnect);
  mosquitto_publish_v5_callback_set(handle, &Client::on_publish);
  mosquitto_subscribe_v5_callback_set(handle, &Client::on_subscribe);
  mosquitto_message_v5_callback_set(handle, &Client::on_message);
  if (!presence.topic.empty() &&
      mosquitto_will_set(handle, presence.topic.c_str(), static_cast<int>(presence.offline.size()),
                         presence.offline.data(), 1, presence.is_retained) != MOSQ_ERR_SUCCESS) {
    return false;
  }
  return options.user_name.empty() ||
         mosquitto_username_pw_set(handle, options.user_name.c_str(),
                                   password.empty() ? nullptr : password.c_str()) ==
             MOSQ_ERR_SUCCESS;
}

std::string Client::connect(const std::string& path) {
  mosquitto* const handle = handle_.get();
  if (is_v5_) {
    Properties properties;
    properties.add(MQTT_PROP_SESSION_EXPIRY_INTERVAL, kSessionExpirySeconds);
    properties.add(MQTT_PROP_MAXIMUM_PACKET_SIZE, inbound_packet_max_);
    // The call that takes properties waits for the connection, and the one that does not wait
    // takes none. But the former keeps them before it looks at the port, and the latter sends them.
    constexpr int kNoPort = -1;
    if (mosquitto_connect_bind_v5(handle, path.c_str(), kNoPort, keep_alive_seconds_, nullptr,
                                  properties.list()) != MOSQ_ERR_INVAL) {
      return "libmosquitto does not take the properties of CONNECT";
    }
  }
  constexpr int kUnixSocket = 0;
  const int error =
      mosquitto_connect_bind_async(handle, path.c_str(), kUnixSocket, keep_alive_seconds_, nullptr);
  if (error == MOSQ_ERR_ERRNO) return std::generic_category().message(errno);
  return error == MOSQ_ERR_SUCCESS ? "" : mosquitto_strerror(error);
}

int Client::publish(const Message& message, int& message_id) {
  Properties properties;
  const auto add = [&properties](int identifier, const std::string& value) {
    if (!value.empty()) properties.add(identifier, value);
  };
  add(MQTT_PROP_CONTENT_TYPE, message.content_type);
  add(MQTT_PROP_RESPONSE_TOPIC, message.response_topic);
  if (!message.correlation_data.empty()) {
    properties.add_bytes(MQTT_PROP_CORRELATION_DATA, message.correlation_data);
  }
  if (message.expiry_seconds != 0) {
    properties.add(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, message.expiry_seconds);
  }
  if (message.topic_alias != 0) {
    properties.add_short(MQTT_PROP_TOPIC_ALIAS, message.topic_alias);
  }
  for (const auto& [name, value] : message.user_properties) {
    properties.add_pair(MQTT_PROP_USER_PROPERTY, std::string(name), value);
  }
  if (properties.error() != MOSQ_ERR_SUCCESS) return properties.error();
  return mosquitto_publish_v5(handle_.get(), &message_id, message.topic.c_str(),
                              static_cast<int>(message.payload.size()), message.payload.data(), 1,
                              false, properties.list());
}

void Client::publish_presence(const Presence& presence, bool is_online) {
  if (presence.topic.empty()) return;
  const std::string& text = is_online ? presence.online : presence.offline;
  // libmosquitto leaves the retain flag out where the broker says that it does not retain.
  mosquitto_publish(handle_.get(), nullptr, presence.topic.c_str(), static_cast<int>(text.size()),
                    text.data(), 1, presence.is_retained);
}

int Client::subscribe(const std::vector<std::string>& filters, int& message_id) {
  std::vector<char*> pointers;
  for (const std::string& filter : filters)
    pointers.push_back(const_cast<char*>(filter.c_str()));  // it only reads them
  return mosquitto_subscribe_multiple(handle_.get(), &message_id, static_cast<int>(pointers.size()),
                                      pointers.data(), 1, 0, nullptr);
}

void Client::disconnect() {
  if (mosquitto_disconnect(handle_.get()) == MOSQ_ERR_SUCCESS) write();
}

void Client::read() {
  // As long as there is more: what one poll brings is stored in one commit.
  std::size_t before = 0;
  do {
    before = happenings_.size();
    mosquitto_loop_read(handle_.get(), 1);
  } while (happenings_.size() > before && happenings_.size() < kHappeningsMax &&
           inbound_bytes_ < inbound_packet_max_);
}

void Client::note(void* client, Happening happening) {
  static_cast<Client*>(client)->happenings_.push_back(std::move(happening));
}

void Client::on_connect(mosquitto*, void* client, int code, int flags,
                        const mosquitto_property* properties) {
  if (code != 0) return note(client, Refused{code});
  const auto read_short = [properties](int identifier, int otherwise) {
    auto value = static_cast<std::uint16_t>(otherwise);
    mosquitto_property_read_int16(properties, identifier, &value, false);
    return value;
  };
  Accepted accepted;
  accepted.has_session = (flags & 1) != 0;
  accepted.limits.in_flight_max =
      std::max<std::size_t>(read_short(MQTT_PROP_RECEIVE_MAXIMUM, 65'535), 1);
  accepted.topic_aliases_max = read_short(MQTT_PROP_TOPIC_ALIAS_MAXIMUM, 0);
  accepted.keep_alive = std::chrono::seconds(
      read_short(MQTT_PROP_SERVER_KEEP_ALIVE, static_cast<Client*>(client)->keep_alive_seconds_));
  if (std::uint32_t most = 0;
      mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &most, false) !=
      nullptr) {
    accepted.limits.message_bytes_max = most;
  }
  std::uint8_t qos = 2;
  mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &qos, false);
  accepted.offers_qos1 = qos >= 1;
  note(client, accepted);
}

void Client::on_disconnect(mosquitto*, void* client, int code, const mosquitto_property*) {
  note(client, Lost{code});
}

void Client::on_publish(mosquitto*, void* client, int message_id, int code,
                        const mosquitto_property*) {
  note(client, Answered{message_id, code});
}

void Client::on_subscribe(mosquitto*, void* client, int message_id, int count, const int* codes,
                          const mosquitto_property*) {
  note(client, Subscribed{message_id, {codes, codes + count}});
}

void Client::on_message(mosquitto*, void* client, const mosquitto_message* message,
                        const mosquitto_property* properties) {
  auto inbound = std::make_unique<Inbound>();
  inbound->topic = message->topic;
  if (message->payloadlen > 0) {
    inbound->payload.assign(static_cast<const char*>(message->payload),
                            static_cast<std::size_t>(message->payloadlen));
  }
  inbound->is_retained = message->retain;
  inbound->content_type = read_string(properties, MQTT_PROP_CONTENT_TYPE);
  inbound->response_topic = read_string(properties, MQTT_PROP_RESPONSE_TOPIC);
  inbound->correlation_data = read_bytes(properties, MQTT_PROP_CORRELATION_DATA);
  mosquitto_property_read_int32(properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                &inbound->expiry_seconds, false);
  read_user_properties(properties, *inbound);
  static_cast<Client*>(client)->inbound_bytes_ += inbound->payload.size();
  note(client, std::move(inbound));
}

}  // namespace edgepost::mqtt
