#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/secret.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "edgepost/tls.hpp"
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
  /// `mqtts://host[:port]`, port 8883 by default; `mqtt://host[:port]`, port 1883, unencrypted; or
  /// `mqtt+unix:/path`. No user name, no query.
  std::string url{};
  std::shared_ptr<Tls> tls{};  ///< For mqtts://; see make_tls().
  std::string client_id{};     ///< 1 to 128 bytes. Two clients of one id throw each other out.
  std::string user_name{};     ///< Empty: none.
  Secret password{};           ///< Read for each connection.
  /// `{prefix}`, `{device_id}`, `{topic}`, `{key}` and `{type}` are replaced.
  std::string topic_template = "{prefix}/{device_id}/{topic}";
  std::string prefix = "edgepost";                 ///< For the template.
  std::string device_id{};                         ///< For the template; empty: the client id.
  MqttVersion version = MqttVersion::automatic;    ///< See MqttVersion.
  MqttMode mode = MqttMode::automatic;             ///< See MqttMode.
  Duration keep_alive = std::chrono::seconds(30);  ///< 5 s to 18 h.
  /// Sent in one go before the socket is looked at again; at least the uplink's max_in_flight.
  std::size_t in_flight_max = 64;
  /// Let topics have `.` and space, which RabbitMQ and NATS turn into something else.
  bool allow_mangled_topics = false;
  /// Topic, with the template's fixed fields, where the broker shows `presence_online` while we are
  /// connected and `presence_offline` (Last Will) when we are not, retained where it can retain.
  /// Empty: no presence.
  std::string presence_topic{};
  std::string presence_online = "online";    ///< Birth message.
  std::string presence_offline = "offline";  ///< Last Will; also sent before an orderly end.
  /// Filters to receive; what arrives goes to the uplink's inbox and is stored before its PUBACK
  /// leaves. QoS 1; the broker keeps the subscriptions with the session.
  std::vector<std::string> subscriptions{};
  /// Largest packet taken from the broker (announced as Maximum Packet Size under v5); a larger one
  /// ends the connection before memory is given to it. 1 KiB to 64 MiB.
  std::size_t inbound_packet_max = 1024 * 1024;
  /// End-to-end confirmation: an event counts as acknowledged only when its id comes back as a line
  /// of a message on this topic, sent by whoever processed it. With the template's fixed fields.
  /// Empty: the PUBACK is enough.
  std::string confirm_topic{};
  /// Send repeated topics as numbers (MQTT 5.0, section 3.3.2.3.4) where the broker allows it.
  bool topic_aliases = false;
};

/// Makes a transport to one MQTT broker, on libmosquitto, QoS 1, persistent session. The answer
/// to an event is its PUBACK; under v5 its reason code is read (MQTT 5.0, section 3.4.2.1).
/// Nothing is connected yet.
/// Limits: an MQTT 3.1.1 broker may acknowledge what it then drops; v5 says so.
/// Request and reply (MQTT 5.0, section 4.10): an event's attribute `responsetopic` is sent as
/// Response Topic, its correlation_id as Correlation Data, and both are read from what comes in; an
/// event with the attribute `destination` goes to that topic and not to the template's.
/// What comes in is read as docs/wire.md says; a message that cannot be stored ends the connection
/// without its PUBACK, and comes again.
/// Errors: invalid_argument, naming option and position: malformed URL, unknown scheme, mqtts://
/// without `tls` or `tls` without mqtts://, bad topic template, filter, presence or confirm topic,
/// empty client id, binary mode with version v311; io_error: descriptors, the channel's directory.
Result<std::unique_ptr<Transport>> make_mqtt_transport(const MqttOptions& options,
                                                       const Platform& platform = {});

/// The event that answers `request`, which came in with a `responsetopic`: topic and `destination`
/// are that topic, correlation_id is the request's. Data is for the caller to add.
/// Errors: invalid_argument when the request asks for no reply, or for one to no topic.
Result<Event> make_reply(const Event& request);

}  // namespace edgepost
