#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "edgepost/mqtt.hpp"
#include "platform/probe.hpp"
#include "tls/channel.hpp"
#include "transport/mqtt/client.hpp"
#include "transport/mqtt/confirmations.hpp"
#include "transport/mqtt/packet_guard.hpp"
#include "transport/mqtt/subscriptions.hpp"
#include "transport/mqtt/topic_aliases.hpp"
#include "transport/mqtt/topic_template.hpp"
#include "transport/mqtt/url.hpp"
#include "transport/mqtt/wake_up.hpp"

namespace edgepost::mqtt {

/// What poll() has yet to tell.
struct AnsweredEvent {
  std::uint64_t token = 0;
  Answer answer{};
};
struct Disconnected {
  Answer why{};
};
struct Probed {
  bool is_reachable = false;
};
using News = std::variant<PeerLimits, AnsweredEvent, Disconnected, Probed, Call>;

/// Reaches the broker through a channel (look-up, TCP, TLS, size of packets), speaks MQTT 5.0 over
/// it, and to a broker that does not know that version 3.1.1.
class MqttTransport final : public Transport {
 public:
  /// What the options say, read and checked.
  struct Parts {
    MqttOptions options{};
    BrokerAddress broker{};
    TopicTemplate topics;
    Presence presence{};
    std::string confirm_topic{};
    Platform platform{};  ///< Complete.
  };

  explicit MqttTransport(Parts parts);
  ~MqttTransport() override { disconnect(); }

  /// Makes what can fail. Errors: io_error.
  Status open();

  Status connect() override;
  void disconnect() override;
  Status send(std::span<const Outbound> events) override;
  void poll(Duration wait, TransportSink& sink) override;
  void wake() override { wake_up_.set(); }
  void probe() override { probe_.start(clock_.now()); }
  [[nodiscard]] Traffic traffic() const override { return channel_->traffic(); }
  [[nodiscard]] std::string address() const override { return broker_.to_string(); }

 private:
  enum class Stage : unsigned char {
    idle,      ///< -> reaching by connect().
    reaching,  ///< The channel connects. -> greeting; -> idle.
    greeting,  ///< CONNECT leaves, CONNACK is awaited. -> online; -> reaching (3.1.1); -> idle.
    online,    ///< -> idle.
  };
  struct InFlight {
    int message_id = 0;
    std::uint64_t token = 0;
    EventId id{};
  };

  void reach();
  void greet();
  void abandon();
  void lose(Answer why);

  void wait_for_news(Duration wait);
  void advance();
  void tell(TransportSink& sink);
  void store(TransportSink& sink);
  void flush();

  void take_happenings();
  void take(const Accepted& accepted);
  void take(const Refused& refused);
  void take(const Answered& answered);
  void take(const Subscribed& subscribed);
  void take(const Arrived& arrived);
  void take(const Lost& lost);
  void take_protocol_error();
  bool falls_back(bool is_refused, int code);
  bool does_without_retain(int code);

  Result<std::string> topic_of(const Event& event) const;
  bool send_one(const Outbound& outbound);
  void answer(std::uint64_t token, Answer answer);
  [[nodiscard]] Format format() const;
  void log(LogLevel level, const std::string& line) const;

  const MqttOptions options_;
  const BrokerAddress broker_;
  const TopicTemplate topics_;
  const std::string confirm_topic_;
  const Clock& clock_;
  Logger& logger_;
  const Platform platform_;
  const WakeUp wake_up_;
  Presence presence_;  // Not retained once the broker has said that it cannot.
  bool knows_v5_;      // False once the broker has said that it does not.
  Subscriptions subscriptions_;
  PacketGuard guard_;
  Probe probe_;
  std::unique_ptr<tls::Channel> channel_;

  // The connection.
  Stage stage_ = Stage::idle;
  bool is_v5_ = true;
  bool was_v5_refused_ = false;
  std::unique_ptr<Client> client_;
  PeerLimits limits_;
  Duration keep_alive_;
  TopicAliases aliases_;
  std::deque<InFlight> in_flight_;  // Oldest first.
  Confirmations confirmations_;
  std::string buffer_;

  std::deque<News> news_;
  std::vector<Received> inbox_;  // Not stored yet: until then nothing is written, no PUBACK leaves.
  bool is_storing_ = false;
  std::vector<pollfd> descriptors_;
};

}  // namespace edgepost::mqtt
