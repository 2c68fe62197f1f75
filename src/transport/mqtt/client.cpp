#include "transport/mqtt/client.hpp"

#include <mqtt_protocol.h>

#include <cerrno>
#include <system_error>

namespace edgepost::mqtt {
namespace {

// How long a broker keeps the session of a gateway that is gone.
constexpr std::uint32_t kSessionExpirySeconds = 24 * 60 * 60;

/// The properties of one packet.
class Properties {
 public:
  Properties() = default;
  ~Properties() { mosquitto_property_free_all(&list_); }
  Properties(const Properties&) = delete;
  Properties& operator=(const Properties&) = delete;

  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const mosquitto_property* list() const { return list_; }

  void add(int identifier, std::uint32_t value) {
    keep(mosquitto_property_add_int32(&list_, identifier, value));
  }
  void add(int identifier, const std::string& value) {
    keep(mosquitto_property_add_string(&list_, identifier, value.c_str()));
  }
  void add_user(const std::string& name, const std::string& value) {
    keep(mosquitto_property_add_string_pair(&list_, MQTT_PROP_USER_PROPERTY, name.c_str(),
                                            value.c_str()));
  }

 private:
  void keep(int error) { error_ = error_ == MOSQ_ERR_SUCCESS ? error : error_; }

  mosquitto_property* list_ = nullptr;
  int error_ = MOSQ_ERR_SUCCESS;
};

/// Initialises libmosquitto once for the process, whatever threads come first. It is never undone:
/// that would free nothing but what the process takes with it anyway.
bool initialise_library() {
  static const int result = mosquitto_lib_init();
  return result == MOSQ_ERR_SUCCESS;
}

}  // namespace

std::unique_ptr<Client> Client::make(const MqttOptions& options, bool is_v5) {
  if (!initialise_library()) return nullptr;
  std::unique_ptr<Client> client(new Client(options, is_v5));
  return client->set_up(options) ? std::move(client) : nullptr;
}

Client::Client(const MqttOptions& options, bool is_v5)
    : is_v5_(is_v5),
      keep_alive_seconds_(static_cast<int>(
          std::chrono::duration_cast<std::chrono::seconds>(options.keep_alive).count())),
      handle_(mosquitto_new(options.client_id.c_str(), false, this), &mosquitto_destroy) {}

bool Client::set_up(const MqttOptions& options) {
  mosquitto* const handle = handle_.get();
  if (handle == nullptr) return false;
  mosquitto_int_option(handle, MOSQ_OPT_PROTOCOL_VERSION,
                       is_v5_ ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
  mosquitto_int_option(handle, MOSQ_OPT_TCP_NODELAY, 1);
  // No window of libmosquitto's own (0 means 65,535): the uplink's is the one that counts.
  mosquitto_int_option(handle, MOSQ_OPT_SEND_MAXIMUM, 0);
  // A threaded client only queues packets, and whatever is to be stored first is stored first.
  mosquitto_threaded_set(handle, true);
  mosquitto_connect_v5_callback_set(handle, &Client::on_connect);
  mosquitto_disconnect_v5_callback_set(handle, &Client::on_disconnect);
  mosquitto_publish_v5_callback_set(handle, &Client::on_publish);
  if (options.user_name.empty()) return true;
  std::string password;
  if (!options.password.is_empty()) {
    Result<std::string> read = read_secret(options.password);
    if (!read) return false;
    password = std::move(*read);
  }
  return mosquitto_username_pw_set(handle, options.user_name.c_str(),
                                   password.empty() ? nullptr : password.c_str()) ==
         MOSQ_ERR_SUCCESS;
}

std::string Client::connect(const std::string& address, int port) {
  mosquitto* const handle = handle_.get();
  if (is_v5_) {
    Properties properties;
    properties.add(MQTT_PROP_SESSION_EXPIRY_INTERVAL, kSessionExpirySeconds);
    // The call that takes properties waits for the connection, and the one that does not wait
    // takes none. But the former keeps them before it looks at the port, and the latter sends them.
    constexpr int kNoPort = -1;
    if (mosquitto_connect_bind_v5(handle, address.c_str(), kNoPort, keep_alive_seconds_, nullptr,
                                  properties.list()) != MOSQ_ERR_INVAL) {
      return "libmosquitto does not take the session expiry interval";
    }
  }
  const int error =
      mosquitto_connect_bind_async(handle, address.c_str(), port, keep_alive_seconds_, nullptr);
  if (error == MOSQ_ERR_ERRNO) return std::generic_category().message(errno);
  return error == MOSQ_ERR_SUCCESS || error == MOSQ_ERR_CONN_PENDING ? ""
                                                                     : mosquitto_strerror(error);
}

int Client::publish(const Message& message, int& message_id) {
  Properties properties;
  if (!message.content_type.empty()) {
    properties.add(MQTT_PROP_CONTENT_TYPE, message.content_type);
  }
  if (message.expiry_seconds != 0) {
    properties.add(MQTT_PROP_MESSAGE_EXPIRY_INTERVAL, message.expiry_seconds);
  }
  for (const auto& [name, value] : message.user_properties) {
    properties.add_user(std::string(name), value);
  }
  if (properties.error() != MOSQ_ERR_SUCCESS) return properties.error();
  return mosquitto_publish_v5(handle_.get(), &message_id, message.topic.c_str(),
                              static_cast<int>(message.payload.size()), message.payload.data(), 1,
                              false, properties.list());
}

void Client::disconnect() {
  if (mosquitto_disconnect(handle_.get()) == MOSQ_ERR_SUCCESS) write();
}

void Client::on_connect(mosquitto*, void* client, int code, int /*flags*/,
                        const mosquitto_property* properties) {
  Happening happening;
  happening.kind = code == 0 ? Happening::Kind::accepted : Happening::Kind::refused;
  happening.code = code;
  if (std::uint16_t most = 0; mosquitto_property_read_int16(properties, MQTT_PROP_RECEIVE_MAXIMUM,
                                                            &most, false) != nullptr) {
    happening.limits.in_flight_max = most;
  }
  if (std::uint32_t most = 0;
      mosquitto_property_read_int32(properties, MQTT_PROP_MAXIMUM_PACKET_SIZE, &most, false) !=
      nullptr) {
    happening.limits.message_bytes_max = most;
  }
  std::uint8_t qos = 2;
  mosquitto_property_read_byte(properties, MQTT_PROP_MAXIMUM_QOS, &qos, false);
  happening.offers_qos1 = qos >= 1;
  static_cast<Client*>(client)->happenings_.push_back(happening);
}

void Client::on_disconnect(mosquitto*, void* client, int code, const mosquitto_property*) {
  Happening happening;
  happening.kind = Happening::Kind::lost;
  happening.code = code;
  static_cast<Client*>(client)->happenings_.push_back(happening);
}

void Client::on_publish(mosquitto*, void* client, int message_id, int code,
                        const mosquitto_property*) {
  Happening happening;
  happening.kind = Happening::Kind::answered;
  happening.code = code;
  happening.message_id = message_id;
  static_cast<Client*>(client)->happenings_.push_back(happening);
}

}  // namespace edgepost::mqtt
