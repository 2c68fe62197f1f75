#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "edgepost/mqtt.hpp"
#include "transport/mqtt/client.hpp"
#include "transport/mqtt/topic_template.hpp"
#include "transport/mqtt/url.hpp"

namespace edgepost::mqtt {

/// An eventfd: another thread makes poll(2) return by it.
class WakeUp {
 public:
  WakeUp() : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~WakeUp() {
    if (is_open()) close(descriptor_);
  }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  [[nodiscard]] bool is_open() const { return descriptor_ >= 0; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

  void set() const { eventfd_write(descriptor_, 1); }
  void clear() const {
    eventfd_t count = 0;
    eventfd_read(descriptor_, &count);
  }

 private:
  int descriptor_;
};

/// What poll() has yet to tell: accepted, an answer, or the end of the connection.
struct Answered {
  std::uint64_t token;
  Answer answer;
};
struct Disconnected {
  Answer why;
};
using News = std::variant<PeerLimits, Answered, Disconnected>;

/// Tries the addresses of the broker in turn, and on one that does not know MQTT 5.0 version 3.1.1.
class MqttTransport final : public Transport {
 public:
  MqttTransport(const MqttOptions& options, BrokerAddress broker, TopicTemplate topics,
                Logger* logger)
      : options_(options),
        broker_(std::move(broker)),
        topics_(std::move(topics)),
        logger_(logger),
        knows_v5_(options.version != MqttVersion::v311) {}

  ~MqttTransport() override { disconnect(); }

  [[nodiscard]] bool is_usable() const { return wake_up_.is_open(); }

  Status connect() override;
  void disconnect() override;
  Status send(std::span<const Outbound> events) override;
  void poll(Duration wait, TransportSink& sink) override;
  void wake() override { wake_up_.set(); }
  [[nodiscard]] std::string address() const override { return broker_.to_string(); }

 private:
  void abandon();
  void try_next_address();
  bool open(const std::string& address);
  void finish_connecting();
  void move_bytes(Duration wait);
  void take_happenings();
  void take(const Happening& happening);
  void take_accepted(const Happening& accepted);
  bool falls_back(const Happening& happening);
  void take_answer(int message_id, int code);
  void take_loss(int code);
  bool send_one(const Outbound& outbound);
  void answer(std::uint64_t token, Answer answer);
  void lose(Answer why);
  [[nodiscard]] Format format() const;

  const MqttOptions options_;
  const BrokerAddress broker_;
  const TopicTemplate topics_;
  Logger* const logger_;
  const WakeUp wake_up_;

  bool knows_v5_;  // False once the broker has said that it does not.

  // The attempt to connect: turn_ rotates the addresses after one that never answered.
  std::vector<std::string> addresses_;
  std::size_t next_address_ = 0;
  std::size_t turn_ = 0;
  std::string last_failure_;
  bool is_v5_ = true;
  bool was_v5_refused_ = false;

  // The connection.
  std::unique_ptr<Client> client_;
  bool is_established_ = false;  // TCP is; CONNECT leaves.
  bool is_online_ = false;       // The broker accepted us.
  PeerLimits limits_;
  std::deque<std::pair<int, std::uint64_t>>
      in_flight_;  // Packet identifier and token, oldest first.
  std::string buffer_;

  std::deque<News> news_;
};

}  // namespace edgepost::mqtt
