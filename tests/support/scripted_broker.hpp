#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace edgepost::test {

/// A broker that says what a test wants it to say, one connection at a time, on a free loopback
/// port.
class ScriptedBroker {
 public:
  /// What to do about one packet: send these bytes, then close if wanted.
  struct Reply {
    std::string bytes;
    bool closes = false;
  };
  /// Is given whole packets, fixed header included. Called on the broker's thread.
  using Script = std::function<Reply(const std::string& packet)>;

  explicit ScriptedBroker(Script script);
  ~ScriptedBroker();
  ScriptedBroker(const ScriptedBroker&) = delete;
  ScriptedBroker& operator=(const ScriptedBroker&) = delete;

  [[nodiscard]] std::string url() const;
  /// The packets received so far, of all connections.
  [[nodiscard]] std::vector<std::string> packets();
  /// Those of the type that is in the upper half of their first byte.
  [[nodiscard]] std::vector<std::string> packets(int type);

 private:
  void serve();
  bool serve_packet();

  const Script script_;
  int port_ = 0;
  int listener_ = -1;
  std::atomic<int> connection_{-1};
  std::atomic<bool> stops_{false};
  std::mutex mutex_;
  std::vector<std::string> packets_;
  std::thread thread_;
};

/// The protocol level of a CONNECT packet: 4 is MQTT 3.1.1, 5 is 5.0.
int protocol_level(const std::string& connect);

/// What stands behind the fixed header.
std::string body(const std::string& packet);

/// A PUBACK for a PUBLISH packet, with a reason code where one is given.
std::string puback(const std::string& publish, int reason_code = -1);

/// The type of a packet (MQTT 5.0, section 2.1.2), such as one of these.
inline constexpr int kConnect = 1;
inline constexpr int kPublish = 3;
inline constexpr int kPuback = 4;
inline constexpr int kSubscribe = 8;
inline constexpr int kPing = 12;
int packet_type(const std::string& packet);

/// A CONNACK of MQTT 5.0 that accepts, with these properties.
std::string connack(const std::string& properties = {}, bool has_session = false);

/// A SUBACK of MQTT 5.0 for a SUBSCRIBE packet to one filter.
std::string suback(const std::string& subscribe, int code = 1);

/// A PUBLISH of MQTT 5.0 at QoS 1 without properties, of at most 127 bytes.
std::string publication(const std::string& topic, const std::string& payload, int message_id = 7);

}  // namespace edgepost::test
