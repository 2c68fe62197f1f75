#pragma once

#include <mosquitto.h>

#include <deque>
#include <memory>
#include <string>

#include "edgepost/mqtt.hpp"
#include "transport/mqtt/message.hpp"

namespace edgepost::mqtt {

/// What happened on a connection.
struct Happening {
  enum class Kind : unsigned char {
    accepted,  ///< CONNACK 0, with the broker's `limits`.
    refused,   ///< CONNACK with another `code`.
    answered,  ///< PUBACK for `message_id` with `code`.
    lost,  ///< The socket is closed; `code` is a disconnect reason from 0x80, or libmosquitto's.
  };
  Kind kind = Kind::lost;
  int code = 0;
  int message_id = 0;
  PeerLimits limits;
  bool offers_qos1 = true;  ///< With accepted.
};

/// One connection over libmosquitto. Its callbacks only take notes, so that whoever acts on them
/// may end the connection at once; there is no thread and no reconnecting. Each connection has a
/// handle of its own, because libmosquitto would send the old handle's unanswered messages again,
/// and that is the uplink's business. Nothing here raises SIGPIPE: libmosquitto writes to the
/// socket with MSG_NOSIGNAL, and both ends of its socket pair are its own.
class Client {
 public:
  /// Null when memory or descriptors have run out.
  static std::unique_ptr<Client> make(const MqttOptions& options, bool is_v5);

  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Begins to connect to a numeric address, or to a unix socket when `port` is 0, and queues the
  /// CONNECT packet. Returns what stands in the way in words, or nothing.
  std::string connect(const std::string& address, int port);

  /// The socket to poll, -1 when there is none.
  [[nodiscard]] int descriptor() const { return mosquitto_socket(handle_.get()); }
  [[nodiscard]] bool wants_write() const { return mosquitto_want_write(handle_.get()); }

  /// To call when the socket is readable, when it is writable, and now and then.
  void read() { mosquitto_loop_read(handle_.get(), 1); }
  void write() { mosquitto_loop_write(handle_.get(), 1); }
  void check_keep_alive() { mosquitto_loop_misc(handle_.get()); }

  /// Queues a PUBLISH at QoS 1. Returns 0 and its id, or an error code of libmosquitto's.
  int publish(const Message& message, int& message_id);

  /// Says goodbye, as far as the socket takes it without waiting.
  void disconnect();

  /// What happened since the last call, in order.
  std::deque<Happening> take_happenings() { return std::exchange(happenings_, {}); }

 private:
  Client(const MqttOptions& options, bool is_v5);
  bool set_up(const MqttOptions& options);
  static void on_connect(mosquitto*, void* client, int code, int flags,
                         const mosquitto_property* properties);
  static void on_disconnect(mosquitto*, void* client, int code, const mosquitto_property*);
  static void on_publish(mosquitto*, void* client, int message_id, int code,
                         const mosquitto_property*);

  bool is_v5_;
  int keep_alive_seconds_;
  std::unique_ptr<mosquitto, decltype(&mosquitto_destroy)> handle_;
  std::deque<Happening> happenings_;
};

}  // namespace edgepost::mqtt
