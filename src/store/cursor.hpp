#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace edgepost::store {

/// A consumer's durable position, as the books have it. `runs` says what is acknowledged above the
/// floor, from floor + 1 on: so many events are not, so many are, and again.
struct Floor {
  std::uint32_t consumer = 0;
  std::uint64_t start = 1;  ///< The first event it wants.
  std::uint64_t floor = 0;  ///< Every event up to here is done, or not wanted.
  std::vector<std::uint64_t> runs;
  std::uint64_t changes = 0;  ///< Of the cursor it was taken from; not stored.
};

/// One consumer of a stream, in memory. The consumer's thread moves it; the committing thread takes
/// snapshots.
/// Threads: any.
class Cursor {
 public:
  Cursor(std::string consumer_name, const Floor& from)
      : id(from.consumer), name(std::move(consumer_name)) {
    restore(from);
  }

  const std::uint32_t id;
  const std::string name;
  std::atomic<bool> is_open = false;

  [[nodiscard]] std::uint64_t floor() const { return floor_; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool is_done(std::uint64_t sequence) const;

  /// Marks one event; true when that was news.
  bool acknowledge(std::uint64_t sequence);

  /// Everything up to `floor` is done, it has turned out.
  void raise(std::uint64_t floor);

  [[nodiscard]] Floor snapshot() const;
  /// Takes over what the books say.
  void restore(const Floor& from);

 private:
  [[nodiscard]] bool is_done_locked(std::uint64_t sequence) const;

  mutable std::mutex mutex_;  // guards start_ and above_; writing floor_
  std::uint64_t start_ = 1;
  std::atomic<std::uint64_t> floor_ = 0;
  std::deque<bool> above_;  // acknowledged or not, from floor + 1 on, as far as is known
  std::atomic<std::uint64_t> changes_ = 0;
};

}  // namespace edgepost::store
