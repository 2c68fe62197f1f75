#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "edgepost/transport.hpp"

namespace edgepost {

/// Which protocol to speak.
enum class MqttVersion : unsigned char {
  automatic,  ///< v5 first; 3.1.1 when the broker does not know v5.
  v311,       ///< MQTT 3.1.1 only.
  v5,         ///< MQTT 5.0 only.
};

/// How an event stands on the wire (CloudEvents 1.0, MQTT protocol binding).
enum class MqttMode : unsigned char {
  automatic,   ///< Binary under v5, structured under 3.1.1.
  binary,      ///< Attributes as user properties, data as payload; v5 only.
  structured,  ///< One JSON object (application/cloudevents+json).
};

/// One MQTT broker.
struct MqttOptions {
  /// `mqtt://host[:port]`, port 1883 by default, or `mqtt+unix:/path`. No user name, no query.
  std::string url{};
  std::string client_id{};  ///< 1 to 128 bytes. Two clients of one id throw each other out.
  std::string user_name{};  ///< Empty: none.
  std::string password{};   ///< Never shown, logged or stored.
  /// `{prefix}`, `{device_id}`, `{topic}`, `{key}` and `{type}` are replaced.
  std::string topic_template = "{prefix}/{device_id}/{topic}";
  std::string prefix = "edgepost";                 ///< For the template.
  std::string device_id{};                         ///< For the template; empty: the client id.
  MqttVersion version = MqttVersion::automatic;    ///< See MqttVersion.
  MqttMode mode = MqttMode::automatic;             ///< See MqttMode.
  Duration keep_alive = std::chrono::seconds(30);  ///< 5 s to 18 h.
  /// Sent in one go before the socket is looked at again; at least the uplink's max_in_flight.
  std::size_t in_flight_max = 64;
};

/// Makes a transport to one MQTT broker, on libmosquitto, QoS 1, persistent session. The answer
/// to an event is its PUBACK; under v5 its reason code is read (MQTT 5.0, section 3.4.2.1).
/// Nothing is connected yet.
/// Limits: an MQTT 3.1.1 broker may acknowledge what it then drops; v5 says so.
/// Errors: invalid_argument, naming option and position: malformed URL, unknown scheme, bad
/// topic template, empty client id, binary mode with version v311; unsupported: `mqtts://`
/// (needs the part edgepost::tls).
Result<std::unique_ptr<Transport>> make_mqtt_transport(const MqttOptions& options,
                                                       const Platform& platform = {});

}  // namespace edgepost
