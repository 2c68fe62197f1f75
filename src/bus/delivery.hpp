#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "bus/gate.hpp"
#include "bus/keyed_queue.hpp"
#include "bus/ring.hpp"
#include "bus/runner.hpp"
#include "bus/stage.hpp"
#include "edgepost/bus_options.hpp"

namespace edgepost::bus {

struct Shared;

/// Serves one subscription as its options say: an event passes the gate, then the queue, if there
/// is one, and then the handler is called and measured. Each event that was offered is delivered,
/// filtered, dropped, spilled, or waits, and is counted as that.
/// Threads: any. To queue an event takes no lock, but for a short one with keep_latest, and when
/// room is waited for; what the gate locks stands there.
class Delivery final : public Stage, public Task {
 public:
  /// Requires: valid options; a lane where they need one (see needs_lane). Must outlive: `shared`
  /// and the lane this object's use.
  Delivery(Shared& shared, std::string_view filter, SubscribeOptions options, Handler handler,
           Lane* lane);

  /// Whether something of a subscription runs later than publish.
  static bool needs_lane(const SubscribeOptions& options);

  void attach(const std::shared_ptr<Entry>& entry) override { entry_ = entry; }
  Outcome offer(const Event& event) override;
  void stop() override;
  void close() override;
  void report(SubscriptionStatus& status) const override;
  [[nodiscard]] std::string_view name() const override { return options_.name; }

  /// Calls the handler for what has waited since before this call.
  Instant run(Instant now) override;

 private:
  using Counter = std::atomic<std::uint64_t>;

  [[nodiscard]] bool has_queue() const { return ring_ || keyed_; }
  [[nodiscard]] std::size_t queued() const { return keyed_ ? keyed_->size() : ring_->size(); }
  void enqueue(const Event& event);
  bool push(const Event& event);
  bool push_when_full(const Event& event);
  bool wait_for_room(const Event& event);
  void drop();
  bool drain(Entry& entry);
  bool call_later(Entry& entry, const Event& event);
  Outcome call(const Event& event);
  void measure(Duration duration, const Event& event);

  Shared& shared_;
  const std::string label_;   // for the log
  SubscribeOptions options_;  // its functions are gone after close()
  Handler handler_;
  Lane* const lane_;
  std::weak_ptr<Entry> entry_;
  Gate gate_;
  std::unique_ptr<Ring> ring_;  // one of these two, or none
  std::unique_ptr<KeyedQueue> keyed_;
  std::unique_ptr<Event> released_;  // by the gate; in run() only
  std::atomic<bool> is_stopped_ = false;
  std::atomic<bool> is_spent_ = false;  // `once` has had its event

  Counter delivered_ = 0;
  Counter failed_ = 0;
  Counter filtered_ = 0;
  Counter dropped_ = 0;
  Counter spilled_ = 0;
  Counter blocked_ = 0;
  Counter slow_ = 0;
  std::atomic<std::size_t> queued_max_ = 0;  // written in run() only
  std::array<Counter, CallTimes().size()> times_{};
  mutable std::mutex mutex_;  // guards all below
  Duration longest_{};
  Duration busy_{};
  Instant next_log_{};
  std::string last_error_;
};

}  // namespace edgepost::bus
