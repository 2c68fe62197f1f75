#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost::bus {

class Epochs;
struct Entry;

/// The last event of each topic; see Bus::retain. Threads: any.
class Retained {
 public:
  /// A topic, and which of its events is meant.
  struct Kept {
    std::string topic;
    std::uint64_t version;

    auto operator<=>(const Kept&) const = default;
  };

  /// Keeps events of `topics_max` topics.
  explicit Retained(std::size_t topics_max) : topics_max_(topics_max) {}

  /// Whether `filter` is new.
  bool add_filter(std::string_view filter);

  /// Takes the newest event of its topic. One without data makes the topic forgotten.
  void keep(const Event& event);

  /// What there is that matches, by topic. Requires: a valid filter.
  [[nodiscard]] std::vector<Kept> matching(std::string_view filter) const;

  /// Copies the event into `out`. False: another one has replaced it.
  bool copy(const Kept& kept, Event& out) const;

  /// Topics of which there is one.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Slot {
    Event event;
    std::uint64_t version;
  };

  const std::size_t topics_max_;
  mutable std::mutex mutex_;
  std::set<std::string, std::less<>> filters_;
  std::unordered_map<std::string, Slot> slots_;  // by topic
  std::uint64_t version_ = 0;
};

/// Offers to `entry`, a new subscription, what is kept and matches; not what is replaced meanwhile.
void replay(const Retained& retained, Epochs& epochs, Entry& entry);

}  // namespace edgepost::bus
