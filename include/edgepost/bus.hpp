#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// Called with each event whose topic matches, on the publisher's thread: on several at once when
/// several publish. A failure is counted and given to nobody else. It must not throw.
using Handler = std::function<Status(const Event&)>;

/// Ends a subscription when it is destroyed. It may outlive its bus.
/// Threads: one thread at a time; may be used inside any handler, its own included.
class Subscription {
 public:
  /// No subscription.
  Subscription() = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription();

  /// Ends the subscription now. When this returns, the handler is not running, is never called
  /// again, and is destroyed with all that it holds. Inside the handler itself, and inside those it
  /// caused by publishing, it returns at once; the handler is destroyed when the last publish that
  /// is running now ends.
  /// Blocks: while the handler runs on another thread. Two handlers that end each other at the
  /// same time wait for ever, as do a handler and a caller that holds a mutex the handler wants.
  void unsubscribe();

  /// True until unsubscribed.
  [[nodiscard]] bool is_active() const { return entry_ != nullptr; }

  /// What the bus knows about the subscription; opaque to everyone else.
  struct Entry;

 private:
  friend class Bus;
  explicit Subscription(std::shared_ptr<Entry> entry) : entry_(std::move(entry)) {}
  std::shared_ptr<Entry> entry_;
};

/// What a bus has done since it was made.
struct BusStatus {
  std::size_t subscriptions = 0;  ///< Active now.
  std::uint64_t published = 0;    ///< Events that publish() took.
  std::uint64_t delivered = 0;    ///< Handler calls, counted when their publish() ends.
  std::uint64_t failed = 0;       ///< Those of them that returned a failure.
};

/// Hands events to subscribers in this process, by topic, on the publisher's thread. A topic is
/// `/`-separated levels; a filter may have `+` for one level and `#` at its end for all that
/// follow, its parent included (MQTT 5.0, section 4.7). A leading wildcard does not match topics
/// that begin with `$`.
/// Threads: every method may be called from any thread at once, and inside handlers.
class Bus {
 public:
  Bus();

  /// Ends all subscriptions. Requires: no other method is running.
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Calls `handler` for each event published from now on whose topic matches `filter`, in the
  /// order of subscribing. Inside a handler, the new subscription sees the next publish first.
  /// Errors: invalid_argument, naming the position in the filter, or when `handler` is empty.
  Result<Subscription> subscribe(std::string_view filter, Handler handler);

  /// Calls every matching handler, then returns. A failing handler is counted and stops nobody; one
  /// that is unsubscribed meanwhile is left out.
  /// Requires: a valid event (publishing through a gateway checks it).
  /// Errors: wrong_state when handlers publish into each other more than 16 deep.
  Status publish(const Event& event);

  /// Counters since construction.
  [[nodiscard]] BusStatus status() const;

 private:
  friend class Subscription;
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace edgepost
