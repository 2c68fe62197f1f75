#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// How much a publish waits for.
enum class Durability : unsigned char {
  stored,    ///< Returns when the event is committed and synced: it survives a power cut.
  buffered,  ///< Returns at once; stored by `flush_interval` or flush(). A crash may lose it.
};

/// A stream: a named durable log of events, numbered from 1 without gaps.
struct StreamOptions {
  std::string name;  ///< 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`.
};

/// A place in a stream.
struct Position {
  std::uint64_t sequence = 1;  ///< The first event wanted.

  /// The oldest event that is still there.
  static Position start() { return Position{1}; }
};

/// How much one read or fetch may return; whichever limit is met first. At least one event is
/// returned when there is one, whatever its size.
struct ReadLimits {
  std::size_t events = 100;       ///< 1 or more.
  std::size_t bytes = 64 * 1024;  ///< Of event data and attributes.
};

/// The books of a stream. At every instant, also after a crash,
/// published = acknowledged + pending + expired + dropped + dead.
struct Ledger {
  std::uint64_t published = 0;     ///< Stored since the stream was created.
  std::uint64_t acknowledged = 0;  ///< Proven delivered to every consumer, and gone.
  std::uint64_t pending = 0;       ///< Wanted by at least one consumer, or no consumer yet.
  std::uint64_t expired = 0;       ///< Outlived their time to live.
  std::uint64_t dropped = 0;       ///< Dropped by a stated quota.
  std::uint64_t dead = 0;          ///< Set aside as dead letters.

  bool operator==(const Ledger&) const = default;
};

/// What is known of one consumer.
struct ConsumerStatus {
  std::string name;         ///< As created.
  std::uint64_t floor = 0;  ///< Every event up to this sequence is acknowledged.
  std::uint64_t lag = 0;    ///< Events above the floor.
};

/// What is known of one stream.
struct StreamStatus {
  std::string name;                       ///< As created.
  std::uint64_t first_sequence = 1;       ///< The oldest event still there.
  std::uint64_t next_sequence = 1;        ///< What the next event will get.
  Ledger ledger;                          ///< Balanced.
  std::vector<ConsumerStatus> consumers;  ///< In order of creation.
};

/// A consumer: a named durable position in a stream. Fetch hands out events in order; an event is
/// done when it is acknowledged; the floor is the position below which everything is done, and it
/// is what survives a restart. Acknowledgements reach the disk with the next append, or within
/// `ack_flush`: after a crash the events of that time are fetched again, with the same ids.
/// Must outlive: nothing; it stays usable until its gateway is closed, then returns wrong_state.
/// Threads: one thread at a time for each consumer.
class Consumer {
 public:
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  ~Consumer();

  /// The next events behind those fetched before; empty when there are none.
  /// Blocks: for one read of the database at most.
  /// Errors: corrupt, naming stream and sequence, when a stored event fails its checksum;
  /// io_error; wrong_state after the gateway was closed.
  Result<std::vector<Event>> fetch(const ReadLimits& limits);

  /// Marks one fetched event as done. In memory at once; see the class comment for the disk.
  /// Doing it twice changes nothing.
  /// Errors: invalid_argument when `sequence` was never fetched; wrong_state.
  Status acknowledge(std::uint64_t sequence);

  /// Goes back: the next fetch begins again at the oldest event that is not acknowledged, and
  /// skips those that are.
  void rewind();

  /// Position and lag.
  [[nodiscard]] ConsumerStatus status() const;

  /// What the store keeps for a consumer; opaque to everyone else.
  struct State;

  /// For the gateway only.
  explicit Consumer(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace edgepost
