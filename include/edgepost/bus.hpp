#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/bus_options.hpp"
#include "edgepost/bus_status.hpp"
#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

namespace bus {
struct Entry;
struct PreparedTopic;
struct Shared;
}  // namespace bus

/// Ends a subscription when it is destroyed. It may outlive its bus.
/// Threads: one thread at a time; may be used inside any handler, its own included.
class Subscription {
 public:
  /// No subscription.
  Subscription() = default;
  Subscription(Subscription&&) noexcept = default;
  Subscription& operator=(Subscription&& other) noexcept;
  ~Subscription();

  /// Ends the subscription now. True: the handler is not running, is never called again, and is
  /// destroyed with all that it holds; what its queue held is dropped. False: this is called inside
  /// the handler itself, or inside one that it caused by publishing; it is not called again, and is
  /// destroyed soon after the call that is running now ends.
  /// Blocks: while the handler runs on another thread. Two handlers that end each other at the
  /// same time wait for ever, as do a handler and a caller that holds a mutex the handler wants.
  bool unsubscribe();

  /// True until unsubscribed; also when a subscription for `once` has had its event.
  [[nodiscard]] bool is_active() const { return entry_ != nullptr; }

 private:
  friend class Bus;
  explicit Subscription(std::shared_ptr<bus::Entry> entry);
  std::shared_ptr<bus::Entry> entry_;
};

/// A topic resolved once, for code that publishes to it often: its subscribers need not be looked
/// up. It stays right when subscriptions change. It may outlive its bus.
/// Threads: copies may be used from any thread at once; they are one.
class Topic {
 public:
  /// No topic. Requires: nothing is published with it.
  Topic() = default;

  /// Its name.
  [[nodiscard]] const std::string& name() const;

 private:
  friend class Bus;
  explicit Topic(std::shared_ptr<bus::PreparedTopic> prepared);
  std::shared_ptr<bus::PreparedTopic> prepared_;
};

/// Hands events to subscribers in this process, by topic. A topic is `/`-separated levels; a filter
/// may have `+` for one level and `#` at its end for all that follow, its parent included (MQTT
/// 5.0, section 4.7). A leading wildcard does not match topics that begin with `$`.
/// Publishing takes no lock and, once its thread has published before, no memory, as far as inline
/// handlers go; a queue copies the event into a slot that it uses again and again.
/// Threads: every method may be called from any thread at once, and inside handlers.
class Bus {
 public:
  /// A bus with the machine's clock, whose queues have threads.
  Bus();

  /// A bus as `options` say. Requires: what they point to outlives it.
  explicit Bus(const BusOptions& options);

  /// Ends all subscriptions and workers; what waits in queues is dropped. Topics stay usable and
  /// reach nobody. Requires: no other method is running, and this is inside no handler.
  ~Bus();
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Calls `handler` for each event published from now on whose topic matches `filter`, on the
  /// publisher's thread, in the order of subscribing. Inside a handler, the new subscription sees
  /// the next publish first.
  /// Errors: invalid_argument, naming the position in the filter, or when `handler` is empty.
  Result<Subscription> subscribe(std::string_view filter, Handler handler);

  /// The same, served as `options` say.
  /// Errors: invalid_argument (also: the option is named); already_exists (name); io_error when the
  /// system gives no thread.
  Result<Subscription> subscribe(std::string_view filter, const SubscribeOptions& options,
                                 Handler handler);

  /// Prepares a topic. `publisher` names the caller in links(), or is empty.
  /// Errors: invalid_argument, naming the position.
  Result<Topic> topic(std::string_view name, std::string_view publisher = {});

  /// Calls every matching handler, higher priority first, then returns. A failing handler is
  /// counted and stops nobody; one that is unsubscribed meanwhile is left out.
  /// Requires: a valid event (publishing through a gateway checks it).
  /// Blocks: for inline handlers, and for queues that are full and were to block.
  /// Errors: wrong_state when handlers publish into each other more than 16 deep.
  Status publish(const Event& event);

  /// The same for a prepared topic of this bus. Errors: also invalid_argument when `event.topic`
  /// is not its name.
  Status publish(const Topic& topic, const Event& event);

  /// Keeps the last event of each topic that matches `filter` from now on, for subscriptions that
  /// ask for it. An event without data makes its topic forgotten, as in MQTT.
  /// Errors: invalid_argument, naming the position.
  Status retain(std::string_view filter);

  /// Publishes `request` with a fresh correlation id (unless it has one) and a reply topic (the
  /// attribute `responsetopic`) of its own, and calls `done` once: with the first reply, or with
  /// the reason that there is none, on the thread that publishes it or on the bus's worker.
  /// Errors: those of publish (`done` is not called then); invalid_argument when `done` is empty,
  /// `timeout` is not positive, or the request names a reply topic; io_error when there is no
  /// answer at once, and the system gives no thread to wait for one.
  /// `done` gets unavailable when `timeout` has passed, or the bus is destroyed.
  Status request(Event request, Duration timeout, std::function<void(const Result<Event>&)> done);

  /// The same, waiting. Blocks: until the reply or the timeout.
  /// Requires: not inside a handler that the shared worker runs.
  Result<Event> request(Event request, Duration timeout);

  /// Answers requests: what `handler` returns is published to the reply topic of the event, caused
  /// by it, with its correlation id; topic and correlation of the answer are overwritten. An event
  /// that asks for no reply is handled all the same. A failure is not sent: the requester times
  /// out; send an event that says so instead.
  /// Errors: those of subscribe.
  Result<Subscription> serve(std::string_view filter, const SubscribeOptions& options,
                             std::function<Result<Event>(const Event&)> handler);

  /// Starts the workers of a bus that was made without threads. Errors: wrong_state (they run);
  /// io_error when the system gives no thread; nothing is started then.
  Status start();

  /// Ends the workers; queues keep what they hold. Blocks: for handlers that workers run.
  /// Requires: not inside such a handler.
  void stop();

  /// Runs what is due at `now` on the caller's thread: queues, ends of intervals, timeouts. Returns
  /// when to call again at the latest; publishing may make something due before that.
  /// Requires: no workers run; `now` never goes back; one thread at a time.
  Instant step(Instant now);

  /// Counters since construction, subscriptions made with options, and what is kept.
  [[nodiscard]] BusStatus status() const;

  /// Remembers from now on which topics handlers publish, for links(). It costs a lock in each
  /// publish: for development and diagnosis.
  void trace(bool is_on);

  /// Who publishes and who listens: prepared topics, and what was traced; sorted.
  [[nodiscard]] std::vector<BusLink> links() const;

 private:
  friend class Window;
  std::shared_ptr<bus::Shared> shared_;
};

}  // namespace edgepost
