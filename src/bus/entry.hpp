#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "edgepost/bus.hpp"

namespace edgepost::bus {

/// One subscription: its filter, its handler, and the threads that are in the handler just now.
/// Threads: any.
struct Entry {
  /// An active subscription, the `number`th of `bus`.
  Entry(std::weak_ptr<Shared> bus, std::uint64_t number, std::string_view filter, Handler handler);

  /// Calls the handler without holding a lock. None when the subscription has ended.
  std::optional<Status> call(const Event& event);

  /// Makes every later call() do nothing, waits for those on other threads and destroys the
  /// handler: true. Inside the handler it does not wait, and the handler lives as long as this
  /// object: false.
  bool end();

  const std::weak_ptr<Shared> bus;  ///< Gone when the bus is.
  const std::uint64_t number;       ///< Rises in the order of subscribing.
  const std::string filter;         ///< Valid.

 private:
  void leave();

  std::mutex mutex_;
  std::condition_variable left_;
  std::vector<std::thread::id> callers_;  // one for each running call
  Handler handler_;                       // changed only while nobody is in it
  bool active_ = true;
};

}  // namespace edgepost::bus
