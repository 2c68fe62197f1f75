#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost::bus {

/// A bounded queue that keeps the newest event of each key, or of each topic where events have no
/// key, at the place where the first one of them stood. Memory is taken once; the texts of events
/// use theirs again.
/// Threads: any number push, one pops. Each takes a short lock.
class KeyedQueue {
 public:
  /// What became of an event that was pushed.
  enum class Pushed : unsigned char { added, replaced, refused };

  /// Requires: `capacity` is a power of two.
  explicit KeyedQueue(std::size_t capacity);

  /// Copies `event` to its place. Replaced: another event left for it; refused: there is no room.
  Pushed push(const Event& event);

  /// The oldest event, which stays as it is until the next pop; null: none.
  Event* pop();

  /// Events in it.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Waiting {
    std::size_t hash = 0;
    Event* event = nullptr;
  };
  // The place of an event, plus one; 0 where nothing is.
  using Bucket = std::uint32_t;

  std::size_t find(std::size_t hash, const Event& event) const;
  void erase(std::size_t bucket);

  const std::size_t mask_;
  const std::unique_ptr<Event[]> events_;  // one more than there are places
  mutable std::mutex mutex_;               // guards all below
  std::vector<Waiting> waiting_;           // a ring, by place
  std::vector<Bucket> buckets_;            // hash table with linear probing, half empty
  Event* spare_;                           // the consumer's, at no place
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace edgepost::bus
