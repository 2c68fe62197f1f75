#pragma once

#include <mosquitto.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "edgepost/mqtt.hpp"
#include "transport/mqtt/inbound.hpp"
#include "transport/mqtt/message.hpp"

namespace edgepost::mqtt {

/// What a broker allows and has, as its CONNACK says.
struct Accepted {
  PeerLimits limits{};
  bool offers_qos1 = true;
  bool has_session = false;  ///< It has kept ours, subscriptions included.
  std::size_t topic_aliases_max = 0;
  Duration keep_alive{};  ///< What counts: ours, or the broker's if it said so.
};

/// CONNACK with another code than 0.
struct Refused {
  int code = 0;
};

/// PUBACK.
struct Answered {
  int message_id = 0;
  int code = 0;
};

/// SUBACK, with a code for each filter.
struct Subscribed {
  int message_id = 0;
  std::vector<int> codes{};
};

/// PUBLISH. Its PUBACK is queued and leaves with the next write().
using Arrived = std::unique_ptr<Inbound>;

/// The socket is closed; `code` is a disconnect reason from 0x80, or libmosquitto's.
struct Lost {
  int code = 0;
};

/// What happened on a connection.
using Happening = std::variant<Accepted, Refused, Answered, Subscribed, Arrived, Lost>;

/// What is said about us when we come and go. No topic: nothing.
struct Presence {
  std::string topic{};
  std::string online{};
  std::string offline{};
  bool is_retained = true;
};

/// One connection over libmosquitto, to a unix-domain socket. Its callbacks only take notes, so
/// that whoever acts on them may end the connection at once; there is no thread and no
/// reconnecting. Each connection has a handle of its own, because libmosquitto would send the old
/// handle's unanswered messages again, and that is the uplink's business. Nothing leaves but in
/// write(), PUBACKs included. Nothing here raises SIGPIPE: libmosquitto writes to the socket with
/// MSG_NOSIGNAL, and both ends of its socket pair are its own.
class Client {
 public:
  /// Null when memory or descriptors have run out.
  static std::unique_ptr<Client> make(const MqttOptions& options, const std::string& password,
                                      const Presence& presence, bool is_v5);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Connects to a unix-domain socket and queues the CONNECT packet. Returns what stands in the way
  /// in words, or nothing.
  std::string connect(const std::string& path);

  /// The socket to poll, -1 when there is none.
  [[nodiscard]] int descriptor() const { return mosquitto_socket(handle_.get()); }
  [[nodiscard]] bool wants_write() const { return mosquitto_want_write(handle_.get()); }

  /// To call when the socket is readable, when it is writable, and now and then.
  void read();
  void write() { mosquitto_loop_write(handle_.get(), 1); }
  void check_keep_alive() { mosquitto_loop_misc(handle_.get()); }

  /// Queues a PUBLISH at QoS 1. Returns 0 and its id, or an error code of libmosquitto's.
  int publish(const Message& message, int& message_id);

  /// Queues what is said about us.
  void publish_presence(const Presence& presence, bool is_online);

  /// Queues a SUBSCRIBE at QoS 1. Returns 0 and its id, or an error code of libmosquitto's.
  int subscribe(const std::vector<std::string>& filters, int& message_id);

  /// Says goodbye, as far as the socket takes it without waiting.
  void disconnect();

  /// What happened since the last call, in order.
  std::vector<Happening> take_happenings() {
    inbound_bytes_ = 0;
    return std::exchange(happenings_, {});
  }

 private:
  Client(const MqttOptions& options, bool is_v5);
  bool set_up(const MqttOptions& options, const std::string& password, const Presence& presence);
  static void note(void* client, Happening happening);
  static void on_connect(mosquitto*, void* client, int code, int flags,
                         const mosquitto_property* properties);
  static void on_disconnect(mosquitto*, void* client, int code, const mosquitto_property*);
  static void on_publish(mosquitto*, void* client, int message_id, int code,
                         const mosquitto_property*);
  static void on_subscribe(mosquitto*, void* client, int message_id, int count, const int* codes,
                           const mosquitto_property*);
  static void on_message(mosquitto*, void* client, const mosquitto_message* message,
                         const mosquitto_property* properties);

  bool is_v5_;
  std::uint32_t inbound_packet_max_;
  int keep_alive_seconds_;
  std::unique_ptr<mosquitto, decltype(&mosquitto_destroy)> handle_;
  std::vector<Happening> happenings_;
  std::size_t inbound_bytes_ = 0;  // in happenings_
};

}  // namespace edgepost::mqtt
