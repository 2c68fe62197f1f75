#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "edgepost/gateway.hpp"

namespace edgepost::test {

/// The part of a firmware between its own work and the gateway, as it should be. Who derives from
/// it plants a bug, of the gateway's or of the firmware's.
class Driver {
 public:
  using Work = std::function<Status(Transaction&)>;
  using Effect = std::function<void()>;

  Driver() = default;
  virtual ~Driver() = default;
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  virtual Result<Receipt> publish(Gateway& gateway, Event event, Durability durability) {
    return gateway.publish(std::move(event), durability);
  }

  virtual Status flush(Gateway& gateway) { return gateway.flush(); }

  /// A row of the firmware and events, both or neither.
  virtual Status transact(Gateway& gateway, const Work& row, const Work& events) {
    return gateway.transact([&](Transaction& transaction) -> Status {
      const Status done = row(transaction);
      return done.is_ok() ? events(transaction) : done;
    });
  }

  /// A message from upstream takes effect, unless it did before.
  virtual Status receive(Gateway& gateway, const std::string& id, const Work& effect) {
    return gateway.transact([&](Transaction& transaction) -> Status {
      const Result<bool> is_new = transaction.claim("upstream", id);
      if (!is_new) return is_new.status();
      return *is_new ? effect(transaction) : Status();
    });
  }

  virtual Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) {
    return consumer.fetch(limits);
  }

  /// An event that was fetched takes effect at its destination, and is acknowledged.
  virtual Status deliver(Consumer& consumer, const Event& event, const Effect& effect) {
    effect();
    return consumer.acknowledge(event.sequence);
  }

  virtual GatewayStatus status(Gateway& gateway) { return gateway.status(); }

  /// The firmware ended, in whatever way: what it had in memory is gone.
  virtual void ended() {}
};

}  // namespace edgepost::test
