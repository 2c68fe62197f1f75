#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "bus/listener.hpp"
#include "edgepost/bus.hpp"

namespace edgepost::bus {

/// A topic and those who listen to it, as of some generation of the bus's subscriptions.
struct PreparedTopic {
  /// Those who listen, never changed once it can be seen.
  struct Audience {
    std::uint64_t generation;
    Matches listeners;
  };

  ~PreparedTopic() { delete audience.load(std::memory_order_relaxed); }

  std::string name;
  std::string publisher;      ///< As in Bus::topic; for links().
  const Shared* shared;       ///< The bus; only to be compared, and not reused while `bus` is held.
  std::weak_ptr<Shared> bus;  ///< Gone when the bus is.
  std::atomic<const Audience*> audience{nullptr};
};

}  // namespace edgepost::bus
