#pragma once

#include <atomic>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/bus_status.hpp"

namespace edgepost::bus {

/// Who publishes what: name and topic.
using Published = std::pair<std::string, std::string>;

/// Who listens to what.
struct Listening {
  std::string name;    ///< Its filter when it has none.
  std::string filter;  ///< Valid.
};

/// Remembers who publishes what, while it is on. Threads: any.
class Trace {
 public:
  /// Publishing asks this every time.
  [[nodiscard]] bool is_on() const { return is_on_.load(std::memory_order_relaxed); }
  void turn(bool is_on) { is_on_.store(is_on, std::memory_order_relaxed); }

  /// `publisher` is empty outside handlers. Beyond 10,000 different ones nothing new is kept.
  void note(std::string_view publisher, std::string_view topic);

  [[nodiscard]] std::set<Published> published() const;

 private:
  std::atomic<bool> is_on_ = false;
  mutable std::mutex mutex_;
  std::set<Published> published_;
};

/// Joins both ends, sorted, each once.
std::vector<BusLink> join(const std::set<Published>& published,
                          const std::vector<Listening>& listeners);

}  // namespace edgepost::bus
