#pragma once

#include <doctest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "edgepost/mqtt.hpp"

namespace edgepost::test {

/// Drives a transport as an uplink would, but one step at a time, and keeps what it hears.
class TransportDriver final : public TransportSink {
 public:
  explicit TransportDriver(std::unique_ptr<Transport> transport)
      : transport_(std::move(transport)) {}

  explicit TransportDriver(MqttOptions options, const Platform& platform = {}) {
    if (options.client_id.empty()) options.client_id = "gw-1";
    Result<std::unique_ptr<Transport>> made = make_mqtt_transport(options, platform);
    REQUIRE_MESSAGE(made.is_ok(), made.status().message());
    transport_ = std::move(*made);
  }

  Transport& transport() { return *transport_; }

  /// Polls until `is_done`; false when nothing more comes of it for ten seconds.
  bool poll_until(const std::function<bool()>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!is_done()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      transport_->poll(std::chrono::milliseconds(100), *this);
    }
    return true;
  }

  /// Connects and waits for the broker to accept.
  void connect() {
    const std::size_t before = accepted.size();
    REQUIRE(transport_->connect().is_ok());
    REQUIRE_MESSAGE(poll_until([&] { return accepted.size() > before || !ends.empty(); }),
                    "neither accepted nor refused");
    REQUIRE_MESSAGE(ends.empty(), (ends.empty() ? "" : ends.back().reason));
  }

  /// Connects in vain: what the transport says about it.
  Answer fail_to_connect() {
    REQUIRE(transport_->connect().is_ok());
    return wait_for_end();
  }

  /// Waits for the connection to end and forgets that it did.
  Answer wait_for_end() {
    REQUIRE_MESSAGE(poll_until([&] { return !ends.empty(); }), "the connection lives on");
    REQUIRE(ends.size() == 1);
    Answer end = ends.front();
    ends.clear();
    return end;
  }

  /// Hands one event over.
  void send(std::uint64_t token, const Event& event) {
    const Outbound outbound{token, &event};
    REQUIRE(transport_->send({&outbound, 1}).is_ok());
  }

  /// Hands several over, which get the tokens from `first` on.
  void send(std::uint64_t first, const std::vector<Event>& events) {
    std::vector<Outbound> outbound;
    for (const Event& event : events)
      outbound.push_back({first + outbound.size(), &event});
    REQUIRE(transport_->send(outbound).is_ok());
  }

  /// Waits for the answer to `token`.
  Answer wait_for_answer(std::uint64_t token) {
    const bool is_answered =
        poll_until([&] { return !answers[token].empty() || !ends.empty(); }) && ends.empty();
    REQUIRE_MESSAGE(is_answered, (ends.empty() ? "no answer" : ends.back().reason));
    return answers[token].empty() ? Answer{} : answers[token].front();
  }

  void on_connected(const PeerLimits& limits) override { accepted.push_back(limits); }
  void on_disconnected(const Answer& why) override { ends.push_back(why); }
  void on_answer(std::uint64_t token, const Answer& answer) override {
    answers[token].push_back(answer);
  }
  Status on_received(std::span<Received> events) override {
    if (before_storing) before_storing();
    if (!inbox_status.is_ok()) return inbox_status;
    for (Received& event : events) {
      event.refusal = refusal;
      if (!event.cursor.empty()) stored_cursor = event.cursor;
      received.push_back(event);
    }
    return {};
  }
  std::string cursor() override { return stored_cursor; }
  void on_probed(bool is_reachable) override { probed.push_back(is_reachable); }
  void on_call(const Call& call) override { calls.push_back(call); }

  std::vector<PeerLimits> accepted;
  std::vector<Answer> ends;
  std::map<std::uint64_t, std::vector<Answer>> answers;
  std::vector<Received> received;
  std::string stored_cursor;
  std::function<void()> before_storing;  ///< Called by on_received.
  Status inbox_status;                   ///< What it then says.
  Status refusal;                        ///< And about each event.
  std::vector<bool> probed;
  std::vector<Call> calls;

 private:
  std::unique_ptr<Transport> transport_;
};

/// An event as a gateway publishes it.
inline Event published_event(std::string topic = "plant/pump", std::string data = "21.5") {
  Event event;
  event.topic = std::move(topic);
  event.data = std::move(data);
  event.content_type = "text/plain";
  event.source = "/gw-1";
  event.type = "com.example.reading";
  event.id = EventId::parse("0193a3b5-7c00-7000-8000-000000000001").value();
  event.sequence = 42;
  return event;
}

}  // namespace edgepost::test
