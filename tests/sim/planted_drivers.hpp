#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/driver.hpp"

namespace edgepost::test {

/// Says that an event is stored when it is only on its way.
class EarlyAnswer final : public Driver {
  Result<Receipt> publish(Gateway& gateway, Event event, Durability) override {
    return gateway.publish(std::move(event), Durability::buffered);
  }
};

/// Says that everything is stored without looking.
class EmptyFlush final : public Driver {
  Status flush(Gateway&) override { return {}; }
};

/// Takes an event that finds no room as if it were stored.
class SilentDrop final : public Driver {
  Result<Receipt> publish(Gateway& gateway, Event event, Durability durability) override {
    Result<Receipt> receipt = gateway.publish(std::move(event), durability);
    if (receipt.status().code() == Code::full) return Receipt{};
    return receipt;
  }
};

/// Publishes the events of a transaction that failed.
class Ghost final : public Driver {
  Status transact(Gateway& gateway, const Work& row, const Work& events) override {
    Status status = Driver::transact(gateway, row, events);
    if (status.code() == Code::refused) {
      (void)gateway.transact([&](Transaction& transaction) {
        (void)events(transaction);
        return Status();
      });
    }
    return status;
  }
};

/// Commits a row and its events one after the other.
class TwoCommits final : public Driver {
  Status transact(Gateway& gateway, const Work& row, const Work& events) override {
    Status status = gateway.transact(row);
    return status.is_ok() ? gateway.transact(events) : status;
  }
};

/// Remembers a message before its effect is stored.
class EarlyClaim final : public Driver {
  Status receive(Gateway& gateway, const std::string& id, const Work& effect) override {
    bool is_new = false;
    Status status = gateway.transact([&](Transaction& transaction) -> Status {
      const Result<bool> claimed = transaction.claim("upstream", id);
      is_new = claimed && *claimed;
      return claimed.status();
    });
    return is_new && status.is_ok() ? gateway.transact(effect) : status;
  }
};

/// Remembers a message after its effect is stored.
class LateClaim final : public Driver {
  Status receive(Gateway& gateway, const std::string& id, const Work& effect) override {
    const auto claim = [&](Transaction& transaction) {
      return transaction.claim("upstream", id).status();
    };
    bool is_new = false;
    Status status = gateway.transact([&](Transaction& transaction) -> Status {
      const Result<bool> claimed = transaction.claim("upstream", id);
      is_new = claimed && *claimed;
      return {Code::refused, "only asking"};
    });
    if (!is_new) return status.code() == Code::refused ? Status() : status;
    status = gateway.transact(effect);
    return status.is_ok() ? gateway.transact(claim) : status;
  }
};

/// Acknowledges an event when it leaves, not when the upstream has confirmed it.
class AcknowledgesWhatLeaves final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    Result<std::vector<Event>> events = consumer.fetch(limits);
    if (!events) return events;
    for (const Event& event : *events)
      (void)consumer.acknowledge(event.sequence);
    return events;
  }
};

/// Acknowledges events and stores what they do with the next ones.
class LateEffect final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    for (const Effect& effect : std::exchange(waiting_, {}))
      effect();
    return consumer.fetch(limits);
  }
  Status deliver(Consumer& consumer, const Event& event, const Effect& effect) override {
    waiting_.push_back(effect);
    return consumer.acknowledge(event.sequence);
  }
  void ended() override { waiting_.clear(); }

  std::vector<Effect> waiting_;
};

/// Acknowledges the last event of each batch of three or more without delivering it.
class AcknowledgesUnseen final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    Result<std::vector<Event>> events = consumer.fetch(limits);
    if (!events || events->size() < 3) return events;
    (void)consumer.acknowledge(events->back().sequence);
    events->pop_back();
    return events;
  }
};

/// Delivers an event once more that was acknowledged.
class RepeatsSettled final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    Result<std::vector<Event>> events = consumer.fetch(limits);
    const auto last = last_.find(consumer.status().name);
    if (events && last != last_.end()) events->insert(events->begin(), last->second);
    return events;
  }
  Status deliver(Consumer& consumer, const Event& event, const Effect& effect) override {
    last_[consumer.status().name] = event;
    return Driver::deliver(consumer, event, effect);
  }
  void ended() override { last_.clear(); }

  std::map<std::string, Event> last_;
};

/// Gives an event another id each time it is tried.
class NewIdEachTry final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    Result<std::vector<Event>> events = consumer.fetch(limits);
    if (!events) return events;
    for (Event& event : *events) {
      auto bytes = event.id.bytes();
      bytes[15] = static_cast<std::uint8_t>(++tries_);
      event.id = EventId(bytes);
    }
    return events;
  }

  unsigned tries_ = 0;
};

/// Takes what is tried again into a queue of its own, behind what is new.
class RetriesLast final : public Driver {
  Result<std::vector<Event>> fetch(Consumer& consumer, const ReadLimits& limits) override {
    Result<std::vector<Event>> events = consumer.fetch(limits);
    if (!events) return events;
    std::vector<Event> held = std::exchange(held_, {});
    std::erase_if(*events, [&](const Event& event) {
      if (tried_.insert(event.sequence).second) return false;
      (void)consumer.acknowledge(event.sequence);
      held_.push_back(event);
      return true;
    });
    std::move(held.begin(), held.end(), std::back_inserter(*events));
    return events;
  }
  void ended() override { held_.clear(); }

  std::set<std::uint64_t> tried_;
  std::vector<Event> held_;
};

/// Throws away what was set aside.
class ForgetsTheDead final : public Driver {
  Status flush(Gateway& gateway) override {
    (void)gateway.purge({});
    return gateway.flush();
  }
};

/// Counts what was dropped, and what waits, as acknowledged.
class FlatteringBooks final : public Driver {
  GatewayStatus status(Gateway& gateway) override {
    GatewayStatus status = gateway.status();
    for (StreamStatus& stream : status.streams) {
      stream.ledger.acknowledged += std::exchange(stream.ledger.pending, 0);
      stream.ledger.acknowledged += std::exchange(stream.ledger.dropped, {}).total();
    }
    return status;
  }
};

}  // namespace edgepost::test
