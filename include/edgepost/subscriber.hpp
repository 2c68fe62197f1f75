#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "edgepost/consumer.hpp"
#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// When to stop calling a handler that fails at everything; `refused` is no failure here. Closed:
/// events are handed to it. After `trip_after` failures in a row -> open: nothing is, for
/// `open_for`; failed tries made so far count, but none is wasted while open. Then -> half-open:
/// one event is tried; success -> closed, failure -> open.
struct BreakerPolicy {
  unsigned trip_after = 5;                       ///< Failures in a row; 0: never trips.
  Duration open_for = std::chrono::seconds(30);  ///< Then one event is tried.
};

/// A durable local subscription: a handler that is the consumer of a stream. It gets every event at
/// least once, also those published while it was not running, until it returns ok.
struct SubscriberOptions {
  std::string stream{};        ///< Which stream.
  ConsumerOptions consumer{};  ///< Its name is the subscriber's; retry, order and max_deliver.
  unsigned workers = 1;        ///< Threads that call the handler at once; 1 to 64.
  BreakerPolicy breaker{};     ///< When to pause.
};

/// Handles one event. It may publish, transact and claim in the same gateway; to have an effect
/// happen exactly once, claim the event's id in the transaction that has the effect: ok
/// acknowledges it; a failure has it handed out again, see ConsumerOptions. Code `refused` says
/// that trying again is of no use: a dead letter at once. An event at which the process dies is
/// handed out again when the gateway is opened again, and counts no try: a handler that may die of
/// an event must guard itself. Threads: one of the subscriber's workers, or the one that calls
/// Gateway::step. Requires: it does not start, stop, step or destroy the gateway, nor add to it.
using DurableHandler = std::function<Status(const Event&)>;

/// What is known of one durable subscription.
struct SubscriberStatus {
  std::string name;              ///< Of its consumer.
  std::string stream;            ///< Its stream.
  std::uint64_t handled = 0;     ///< Events it acknowledged.
  std::uint64_t failed = 0;      ///< Tries that failed.
  bool is_breaker_open = false;  ///< Paused, because everything failed.
  std::uint64_t lag = 0;         ///< Events above the floor.
  std::string last_error;        ///< What the last failure said; empty: none yet.
};

}  // namespace edgepost
