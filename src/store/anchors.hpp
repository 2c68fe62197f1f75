#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "store/connection.hpp"
#include "store/segment.hpp"

namespace edgepost::store {

/// The clocks at one instant.
struct TimeNow {
  Duration life = Duration::zero();
  Duration wall_offset = Duration::zero();  ///< Wall time minus life.
  bool is_wall_trusted = true;
};

/// What is known of wall time on the life clock. A time that the library gives while the wall clock
/// is not trusted is a guess: it is stored together with what that clock said. As soon as the clock
/// is trusted an *anchor* is stored, and from then on each guess from before it is corrected
/// whenever it is read; nothing is rewritten, and the correction is the same for ever. How long the
/// machine was without power in between is not known and not made up for.
/// The rows stand in edgepost_clock: anchors, and behind the last one, without an offset, where the
/// guesses begin that have none yet. Each has a checksum, because all times depend on them.
/// Threads: write(), committed() and rolled_back() only on the thread whose turn it is to commit;
/// the rest from any thread.
class Anchors {
 public:
  /// Reads what is stored. Rows that are damaged are passed over.
  Status load(Connection& connection);

  /// Corrects the event's time if it is a guess and an anchor is known.
  void correct(Stored& stored) const;

  /// True while guesses wait for an anchor.
  [[nodiscard]] bool is_wanted() const { return is_wanted_; }

  /// A life that no anchor is behind.
  [[nodiscard]] Duration newest() const;

  /// Whether write() has something to write. `has_guesses`: the transaction stores some.
  [[nodiscard]] bool must_write(const TimeNow& now, bool has_guesses) const {
    return now.is_wall_trusted ? is_wanted_.load() : has_guesses && !is_wanted_;
  }

  /// Writes that guesses begin, or the anchor that ends them, and forgets the anchors that nothing
  /// is left for, as no event is older than `oldest`. Call inside a write transaction.
  /// Requires: must_write().
  Status write(Connection& connection, const TimeNow& now, Duration oldest);

  /// Takes over what the transaction just committed has changed, or forgets it.
  void committed();
  void rolled_back() { written_.reset(); }

 private:
  struct Anchor {
    Duration life;
    std::optional<Duration> wall_offset;  // none: guesses begin here
  };
  void take(std::vector<Anchor> anchors);

  mutable std::mutex mutex_;                    // guards anchors_
  std::vector<Anchor> anchors_;                 // by life; the last one may have no offset
  std::optional<std::vector<Anchor>> written_;  // by the transaction in progress
  std::atomic<bool> is_wanted_ = false;
};

}  // namespace edgepost::store
