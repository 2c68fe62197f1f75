#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/subscriber.hpp"
#include "platform/platform.hpp"
#include "subscriber/breaker.hpp"

namespace edgepost {

/// Hands the events of a consumer to a handler, one after the other, on threads of its own or on
/// the caller's. It holds no event back: what waits, and what may overtake it, the consumer knows.
/// Threads: any.
class Subscriber {
 public:
  /// Must outlive: the platform of the gateway. Requires: valid options, a platform without nulls.
  Subscriber(SubscriberOptions options, DurableHandler handler, Consumer consumer,
             const Platform& platform);
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// Handles one event, if there is one that is due, and returns when to call again at the latest.
  /// Blocks: for the handler. Threads: as many at once as there are workers.
  Instant step(Instant now);

  /// Makes the threads; they do nothing before run(). After failure: there are none.
  Status launch();
  /// Lets the threads call the handler.
  void run();
  /// Ends the threads. Blocks: for handlers that run.
  void halt();

  /// Its stream has new events.
  void wake();

  [[nodiscard]] SubscriberStatus status() const;

 private:
  Instant admit(Instant now);
  Instant pause_after(const Status& problem);
  void handle(const Event& event);
  void account(const Event& event, const Status& outcome, const Status& settled);
  void note(std::string problem);
  void wake_workers();

  const SubscriberOptions options_;
  const DurableHandler handler_;
  Consumer consumer_;
  const Platform& platform_;

  std::atomic<bool> is_running_ = false;
  std::atomic<bool> has_events_ = false;  // the workers have been woken for them
  mutable std::mutex mutex_;              // guards breaker_, status_ and read_failures_
  Breaker breaker_;
  SubscriberStatus status_;
  unsigned read_failures_ = 0;  // in a row
  std::mutex workers_mutex_;    // guards workers_; innermost, as wake() comes from anywhere
  std::vector<std::unique_ptr<Worker>> workers_;
};

}  // namespace edgepost
