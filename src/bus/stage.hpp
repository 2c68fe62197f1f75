#pragma once

#include <memory>
#include <string_view>

#include "edgepost/bus_status.hpp"
#include "edgepost/event.hpp"

namespace edgepost::bus {

struct Entry;

/// How a subscription that was made with options is served: what stands between publish and the
/// handler.
class Stage {
 public:
  /// What became of an event.
  enum class Outcome : unsigned char { taken, failed, left_out };

  Stage() = default;
  virtual ~Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// The subscription that this serves is about to be added. Called once, before all others.
  virtual void attach(const std::shared_ptr<Entry>& /*entry*/) {}

  /// Takes an event on the publisher's thread. Threads: several at once.
  virtual Outcome offer(const Event& event) = 0;

  /// The subscription has ended: whoever waits inside offer() returns. Called once.
  virtual void stop() {}

  /// Destroys all that is the user's: the handler and the other functions; and what is queued.
  /// Called once, after stop(), when nobody is inside offer() or the handler any more.
  virtual void close() = 0;

  /// What it has done; `filter` is left to the caller.
  virtual void report(SubscriptionStatus& status) const = 0;

  /// Of the subscription; empty when it has none.
  [[nodiscard]] virtual std::string_view name() const = 0;
};

}  // namespace edgepost::bus
