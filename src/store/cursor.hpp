#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace edgepost::store {

/// What became of an event for one consumer. The numbers are stored: they never change.
enum class Outcome : std::uint8_t {
  open = 0,  ///< Nothing yet.
  acknowledged = 1,
  expired = 2,
  dead = 3,
  replaced = 4,  ///< By a newer event of its key (max_per_key).
  max_bytes = 5,
  max_events = 6,
  max_age = 7,
  damaged = 8,
};

/// One outcome of sequences that follow each other.
struct Run {
  Outcome outcome;
  std::uint64_t count;

  bool operator==(const Run&) const = default;
};

/// Appends to runs, joining what is alike.
void add_run(std::vector<Run>& runs, Outcome outcome, std::uint64_t count);

/// A consumer's durable position. The floor is the sequence up to which everything is settled; what
/// is settled above it is remembered one by one. What the floor has passed since the books were
/// last stored is remembered too: the books want to know as what it counts.
struct Floor {
  std::uint32_t consumer = 0;
  std::uint64_t start = 1;        ///< The first event it wants.
  std::uint64_t floor = 0;        ///< Every event up to here is settled, or not wanted.
  std::deque<Outcome> above;      ///< From floor + 1 on, as far as is known.
  std::uint64_t passed_from = 0;  ///< `passed` tells of passed_from + 1 to floor. Not stored.
  std::vector<Run> passed;        ///< Not stored.
  std::uint64_t changes = 0;      ///< Counts up with each. Not stored.

  [[nodiscard]] Outcome outcome(std::uint64_t sequence) const;
  /// Settles one event; true when that was news. Requires: not Outcome::open.
  bool settle(std::uint64_t sequence, Outcome outcome);
  /// Settles everything up to `sequence` that is not settled yet.
  void raise(std::uint64_t sequence, Outcome outcome);
  /// Forgets what was passed up to `sequence`.
  void forget_passed(std::uint64_t sequence);
  /// The end of what the books have stored, and of what was acknowledged right behind it.
  [[nodiscard]] std::uint64_t acknowledged_floor() const;

 private:
  void climb();
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
  /// The newest event that was taken to be handed out: up to here they may be in flight.
  std::atomic<std::uint64_t> read_to = 0;

  [[nodiscard]] std::uint64_t floor() const { return floor_; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool is_done(std::uint64_t sequence) const;

  /// See Floor.
  bool settle(std::uint64_t sequence, Outcome outcome);
  void raise(std::uint64_t sequence, Outcome outcome);
  void forget_passed(std::uint64_t sequence);
  [[nodiscard]] std::uint64_t acknowledged_floor() const;

  [[nodiscard]] Floor snapshot() const;
  /// Takes over what the books say.
  void restore(const Floor& from);

 private:
  void publish();

  mutable std::mutex mutex_;  // guards state_
  Floor state_;
  std::atomic<std::uint64_t> floor_ = 0;  // of state_, for those who only look
  std::atomic<std::uint64_t> changes_ = 0;
};

}  // namespace edgepost::store
