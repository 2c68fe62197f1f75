#pragma once

#include <atomic>
#include <cstddef>
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

/// Sequences that follow each other, and what became of them.
struct Range {
  std::uint64_t from;
  std::uint64_t to;  ///< Included.
  Outcome outcome = Outcome::acknowledged;

  bool operator==(const Range&) const = default;
};

/// A consumer's durable position. The floor is the sequence up to which everything is settled; what
/// is settled above it is remembered as ranges, however far above. What the floor has passed since
/// the books were last stored is remembered too: the books want to know as what it counts.
struct Floor {
  std::uint32_t consumer = 0;
  std::uint64_t start = 1;        ///< The first event it wants.
  std::uint64_t floor = 0;        ///< Every event up to here is settled, or not wanted.
  std::deque<Range> above;        ///< Ascending; what lies between is open, and so is floor + 1.
  std::uint64_t passed_from = 0;  ///< `passed` tells of passed_from + 1 to floor. Not stored.
  std::vector<Run> passed;        ///< Not stored.
  std::uint64_t changes = 0;      ///< Counts up with each. Not stored.
  std::uint64_t news_above = 0;   ///< Counts what was acknowledged above. Not stored.
  std::size_t pieces = 0;         ///< Ranges begun above since the books were stored. Not stored.

  [[nodiscard]] Outcome outcome(std::uint64_t sequence) const;
  /// Settles those of `from` to `to` that are open; true when there were any.
  /// Requires: not Outcome::open.
  bool settle(std::uint64_t from, std::uint64_t to, Outcome outcome);
  /// Settles everything up to `sequence` that is not settled yet.
  void raise(std::uint64_t sequence, Outcome outcome);
  /// Forgets what was passed up to `sequence`: the books have it.
  void forget_passed(std::uint64_t sequence);
  /// The end of what the books have stored, and of what was acknowledged right behind it.
  [[nodiscard]] std::uint64_t acknowledged_floor() const;

 private:
  [[nodiscard]] std::size_t find(std::uint64_t sequence) const;
  void fill(std::size_t place, std::uint64_t from, std::uint64_t to, Outcome outcome);
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
  /// The same for fresh events, which pass the others: these may be in flight.
  std::atomic<std::uint64_t> fresh_from = 0;
  std::atomic<std::uint64_t> fresh_to = 0;

  [[nodiscard]] std::uint64_t floor() const { return floor_; }
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  [[nodiscard]] bool is_done(std::uint64_t sequence) const;
  [[nodiscard]] bool may_be_in_flight(std::uint64_t sequence) const {
    const bool is_read = sequence <= read_to || (sequence >= fresh_from && sequence <= fresh_to);
    return is_open && is_read && !is_done(sequence);
  }
  /// How many ranges are settled above the floor.
  [[nodiscard]] std::size_t ranges() const;

  /// See Floor.
  bool settle(std::uint64_t sequence, Outcome outcome) {
    return settle(sequence, sequence, outcome);
  }
  bool settle(std::uint64_t from, std::uint64_t to, Outcome outcome);
  void raise(std::uint64_t sequence, Outcome outcome);
  void forget_passed(std::uint64_t sequence);

  /// What was acknowledged since this was asked last, to be noted.
  struct News {
    std::uint64_t floor = 0;   ///< See Floor::acknowledged_floor(); 0: it is where it was.
    std::vector<Range> above;  ///< The last ranges, the last one first; empty: nothing new.
    bool is_urgent = false;    ///< Fresh ones leave so many pieces that the books should be stored.
  };
  News take_news(std::size_t ranges_max);

  [[nodiscard]] Floor snapshot() const;
  /// Takes over what the books say.
  void restore(const Floor& from);

 private:
  void publish();

  mutable std::mutex mutex_;  // guards what follows up to floor_
  Floor state_;
  std::uint64_t told_floor_ = 0;  // by take_news()
  std::uint64_t told_above_ = 0;
  std::atomic<std::uint64_t> floor_ = 0;  // of state_, for those who only look
  std::atomic<std::uint64_t> changes_ = 0;
};

}  // namespace edgepost::store
