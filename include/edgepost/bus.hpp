#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// Called with each event whose topic matches. A failure is counted and given to nobody else.
using Handler = std::function<Status(const Event&)>;

/// Ends a subscription when it is destroyed.
/// Threads: one thread at a time; may be used inside any handler, its own included.
class Subscription {
 public:
  /// No subscription.
  Subscription() = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription();

  /// Ends the subscription now. When this returns, the handler is not running on another thread
  /// and is never called again; inside the handler itself it returns at once.
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
  std::size_t published = 0;      ///< Events given to publish().
  std::size_t delivered = 0;      ///< Handler calls.
  std::size_t failed = 0;         ///< Handler calls that returned a failure.
};

/// Hands events to subscribers in this process, by topic, on the publisher's thread. A topic is
/// `/`-separated levels; a filter may have `+` for one level and `#` at its end for all that
/// follow, its parent included (MQTT 5.0, section 4.7). A leading wildcard does not match topics
/// that begin with `$`.
/// Threads: every method may be called from any thread at once, and inside handlers.
class Bus {
 public:
  Bus();
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Calls `handler` for each event published from now on whose topic matches `filter`, in the
  /// order of subscribing. Inside a handler, the new subscription sees the next publish first.
  /// Errors: invalid_argument, naming the position in the filter.
  Result<Subscription> subscribe(std::string_view filter, Handler handler);

  /// Calls every matching handler, then returns. A failing handler is counted and stops nobody.
  /// Requires: a valid event (publishing through a gateway checks it).
  /// Errors: wrong_state when handlers publish into each other more than 16 deep.
  Status publish(const Event& event);

  /// Counters since construction.
  [[nodiscard]] BusStatus status() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace edgepost
