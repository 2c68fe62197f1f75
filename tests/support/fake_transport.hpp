#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/transport.hpp"

namespace edgepost::test {

/// An upstream that a test scripts, and the transport to it. It reaches the uplink only through
/// poll(), as a real one does. What the test says between two steps happens in the next one.
class FakePeer {
 public:
  /// The transport to give to an uplink. Must outlive: this peer the transport.
  std::unique_ptr<Transport> transport() { return std::make_unique<FakeTransport>(*this); }

  // The script.

  /// What connecting comes to: accepted, unless there is a refusal. Without either, silence.
  std::optional<Answer> refusal;
  bool is_silent = false;
  /// What connect() itself returns.
  Status connect_status;
  /// What send() returns; the events are not taken when it fails.
  Status send_status;
  PeerLimits limits;
  std::string address = "fake://peer";
  /// What a probe finds; none: it never tells.
  std::optional<bool> probe_finds;
  /// poll() waits for wake() where nothing is to be told, instead of returning at once.
  bool does_block = false;
  /// The answer to an event as it arrives; none: it stays unanswered.
  std::function<std::optional<Answer>(const Event&)> on_event = [](const Event&) {
    return Answer{};
  };

  /// The answer to each event of what one send() has, instead of on_event.
  std::function<std::optional<Answer>(std::span<const Outbound>)> on_request;

  /// Lets events arrive and answers none.
  void answer_nothing() {
    on_event = [](const Event&) { return std::nullopt; };
  }
  /// Answers the oldest unanswered event with this sequence.
  void answer(std::uint64_t sequence, const Answer& answer = {}) {
    const auto place = std::find_if(unanswered.begin(), unanswered.end(), [&](const auto& sent) {
      return sent.second.sequence == sequence;
    });
    EDGEPOST_ASSERT(place != unanswered.end());
    answers_.emplace_back(place->first, answer);
    unanswered.erase(place);
  }
  /// Breaks the connection.
  void drop(AnswerClass meaning = AnswerClass::link_down, std::string reason = "connection reset") {
    news_ = [why = Answer{meaning, std::move(reason), {}}](TransportSink& sink) {
      sink.on_disconnected(why);
    };
    is_connected = false;
  }
  /// Gives the uplink an event from upstream in the next step.
  void deliver(Event event) { bring({{.event = std::move(event)}}); }
  /// Gives it all that one poll brings from upstream in the next step. Who is not told ok must
  /// bring them again.
  void bring(std::vector<Received> brought) {
    news_ = [this, brought = std::move(brought)](TransportSink& sink) mutable {
      received_status = sink.on_received(brought);
    };
  }

  // What was seen.

  bool is_connected = false;
  int connects = 0;
  int disconnects = 0;
  int probes = 0;
  Traffic traffic;                    ///< Each event counts with its data and 100 bytes.
  std::vector<std::size_t> requests;  ///< How many events each send() had.
  std::atomic<int> wakes{0};
  std::vector<Event> received;  ///< Every event that was sent, repeats included.
  std::deque<std::pair<std::uint64_t, Event>> unanswered;  ///< By token.
  std::size_t in_flight_max = 0;                           ///< Unanswered at one time.
  Duration last_wait = Duration::zero();  ///< How long the last poll() was allowed to wait.
  Status received_status;                 ///< What the uplink said to bring().

 private:
  class FakeTransport final : public Transport {
   public:
    explicit FakeTransport(FakePeer& peer) : peer_(peer) {}
    Status connect() override { return peer_.on_connect(); }
    void disconnect() override { peer_.on_disconnect(); }
    Status send(std::span<const Outbound> events) override { return peer_.on_send(events); }
    void poll(Duration wait, TransportSink& sink) override { peer_.on_poll(wait, sink); }
    void wake() override { peer_.on_wake(); }
    void probe() override { peer_.on_probe(); }
    [[nodiscard]] Traffic traffic() const override { return peer_.traffic; }
    [[nodiscard]] std::string address() const override { return peer_.address; }

   private:
    FakePeer& peer_;
  };

  Status on_connect() {
    ++connects;
    if (!connect_status.is_ok()) return connect_status;
    news_ = [this](TransportSink& sink) {
      if (is_silent) return;
      is_connected = !refusal.has_value();
      if (refusal) return sink.on_disconnected(*refusal);
      sink.on_connected(limits);
    };
    return {};
  }

  void on_disconnect() {
    ++disconnects;
    is_connected = false;
    forget();
  }

  Status on_send(std::span<const Outbound> events) {
    if (!send_status.is_ok()) return send_status;
    if (!is_connected) return {Code::unavailable, "not connected"};
    requests.push_back(events.size());
    const std::optional<Answer> all = on_request ? on_request(events) : std::nullopt;
    for (const Outbound& outbound : events) {
      traffic.sent += 100 + outbound.event->data.size();
      received.push_back(*outbound.event);
      if (const std::optional<Answer> now = on_request ? all : on_event(*outbound.event)) {
        answers_.emplace_back(outbound.token, *now);
      } else {
        unanswered.emplace_back(outbound.token, *outbound.event);
      }
      in_flight_max = std::max(in_flight_max, unanswered.size() + answers_.size());
    }
    return {};
  }

  void on_probe() {
    ++probes;
    is_probed_ = probe_finds.has_value();
  }

  void on_poll(Duration wait, TransportSink& sink) {
    last_wait = wait;
    if (does_block && !news_ && !is_probed_ && answers_.empty()) {
      std::unique_lock lock(mutex_);
      woken_.wait_for(lock, wait, [this] { return is_woken_; });
      is_woken_ = false;
    }
    for (const auto& [token, answer] : std::exchange(answers_, {}))
      sink.on_answer(token, answer);
    if (std::exchange(is_probed_, false)) sink.on_probed(*probe_finds);
    if (const auto news = std::exchange(news_, nullptr)) {
      if (!is_connected) forget();
      news(sink);
    }
  }

  void on_wake() {
    ++wakes;
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
    woken_.notify_one();
  }

  void forget() {
    unanswered.clear();
    answers_.clear();
    news_ = nullptr;
  }

  std::function<void(TransportSink&)> news_;
  bool is_probed_ = false;
  std::vector<std::pair<std::uint64_t, Answer>> answers_;
  std::mutex mutex_;  // Guards is_woken_; the rest belongs to the thread that steps the uplink.
  std::condition_variable woken_;
  bool is_woken_ = false;
};

}  // namespace edgepost::test
