#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/stream.hpp"
#include "store/books.hpp"
#include "store/compaction.hpp"
#include "store/connection.hpp"
#include "store/cursor.hpp"
#include "store/latest.hpp"
#include "store/segment.hpp"

namespace edgepost::store {

/// Reads events of one stream, segment after segment.
struct ReadPosition {
  std::uint64_t next = 1;                ///< The next sequence wanted.
  std::optional<SegmentReader> segment;  ///< The segment that holds it, once it was read.
  std::uint64_t lost_from = 0;           ///< These events were lost, and passed over;
  std::uint64_t lost_to = 0;             ///< 0: none. For the reader to settle and to forget.
};

/// What became of dead letters that the books count; see sql/0003_full_strength.sql.
struct DeadCounters {
  std::uint64_t requeued = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t purged = 0;

  bool operator==(const DeadCounters&) const = default;
};

/// One stream: the table of its segments and, in the table's row 0, its books. Row 0 is the
/// leftmost leaf of the table, the one a trim rewrites anyway, so that moving a floor is free
/// when segments are trimmed.
/// Threads: what says "in a transaction" only on the thread whose turn it is to commit; read()
/// under the reading connection's mutex; the rest from any thread.
class StreamLog {
 public:
  StreamLog(std::uint32_t id, StreamOptions options)
      : id_(id),
        name_(options.name),
        max_per_key_(options.max_per_key),
        options_(std::move(options)) {}

  /// Creates the table. In a transaction.
  Status create(Connection& connection);
  /// Deletes the table. In a transaction; set_deleted() with it.
  Status drop(Connection& connection);

  /// Loads the books and finds the next sequence. Errors: corrupt, io_error.
  Status load(Connection& connection);

  /// Takes room for one more event of `bytes`, until release() gives it back.
  /// Errors: full, naming the limit, when the stream keeps what it has; not_found when deleted.
  Status claim(std::uint64_t bytes);
  void release(std::uint64_t events, std::uint64_t bytes);

  /// Inserts one finished segment. In a transaction.
  Status append(Connection& connection, const SegmentWriter& segment, std::uint64_t last_sequence);

  /// The last sequence of the newest segment in the table, 0 when there is none.
  Result<std::uint64_t> newest(Connection& connection);

  /// Settles `sequence` for `cursor` as dead when the transaction in progress commits. True when
  /// the books will count it: every other consumer has finished with it.
  bool plan_death(const std::shared_ptr<Cursor>& cursor, std::uint64_t sequence);

  /// True when the books must be written with the next commit, at the latest: a floor moved, a
  /// limit is exceeded, or they are too far behind the segments.
  [[nodiscard]] bool needs_books(std::uint64_t next_sequence, Duration life) const;

  /// Writes the books as they are now, repacks where much is replaced, drops what exceeds the
  /// limits and deletes segments that are not wanted any more. In a transaction; becomes true in
  /// memory with committed().
  Status write_books(Connection& connection, Latest& latest, std::uint64_t next_sequence,
                     Duration life);

  /// Takes over what the transaction just committed at `life` has changed.
  void committed(std::uint64_t next_sequence, Duration life);

  /// When the oldest event exceeds max_age, on the life clock; Duration::max() for never.
  [[nodiscard]] Duration age_due() const;

  /// True when take_dropped() has something to tell.
  [[nodiscard]] bool has_drops() const;
  /// What was dropped since this was asked last, or since it was loaded.
  Dropped take_dropped();

  /// What the transaction in progress has appended; a savepoint takes it back.
  struct Added {
    std::uint64_t bytes = 0;
    std::uint64_t segments = 0;
  };
  [[nodiscard]] Added added() const { return added_; }
  void set_added(const Added& added) { added_ = added; }

  /// Forgets what the transaction just rolled back would have changed.
  void rolled_back();

  /// Reads the event at `position` or the first one behind it; none at the end.
  /// Errors: corrupt, naming stream and sequence; io_error.
  Result<std::optional<Stored>> read(Connection& connection, ReadPosition& position);

  /// Adds a consumer that exists in the database.
  std::shared_ptr<Cursor> add_cursor(std::string name, const Floor& from);
  /// Takes a consumer away.
  void remove_cursor(std::uint32_t id);
  /// Takes a consumer away when the transaction in progress commits; what it was the last to settle
  /// stays settled.
  void plan_removal(const std::shared_ptr<Cursor>& cursor);
  [[nodiscard]] std::shared_ptr<Cursor> cursor(std::string_view name) const;
  [[nodiscard]] std::vector<std::shared_ptr<Cursor>> cursors() const;

  /// Every event up to here has left the stream.
  [[nodiscard]] std::uint64_t trimmed() const;

  /// The books as they were last stored or loaded.
  [[nodiscard]] Books stored_books() const;
  /// What the loaded books have of consumer `id`; the oldest pending event if they do not know it.
  [[nodiscard]] Floor stored_floor(std::uint32_t id) const;

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  [[nodiscard]] StreamOptions options() const;
  [[nodiscard]] std::uint32_t max_per_key() const { return max_per_key_; }
  void set_options(const StreamOptions& options);
  void set_dead_counters(const DeadCounters& counters);
  [[nodiscard]] bool is_deleted() const { return is_deleted_; }
  void set_deleted(bool is_deleted) { is_deleted_ = is_deleted; }
  [[nodiscard]] StreamStatus status() const;

 private:
  /// Everything up to a sequence is to go.
  struct Drop {
    std::uint64_t to;
    Outcome reason;
  };
  struct Death {
    std::shared_ptr<Cursor> cursor;
    std::uint64_t sequence;
    bool is_counted;
  };

  [[nodiscard]] Books books_of_now(std::uint64_t next_sequence,
                                   const std::vector<Drop>& drops = {}) const;
  [[nodiscard]] Duration age_due_locked() const;
  Status compact(Connection& connection, Latest& latest, std::uint64_t next_sequence);
  [[nodiscard]] bool is_compaction_due() const;
  /// When the transaction in progress has committed.
  [[nodiscard]] std::uint64_t bytes_planned() const {
    const std::uint64_t gone = trimmed_bytes_ + (compacted_ ? compacted_->freed_bytes : 0);
    return bytes_ + added_.bytes - std::min(gone, bytes_ + added_.bytes);
  }
  Status plan_drops(Connection& connection, std::uint64_t next_sequence, Duration life);
  [[nodiscard]] Duration life_of(const Statement& row, Duration now) const;
  Result<std::uint64_t> trim(Connection& connection, std::uint64_t up_to);
  [[nodiscard]] std::uint64_t kept(std::uint64_t next_sequence) const {
    return next_sequence - 1 - books_.trimmed;
  }
  [[nodiscard]] std::string table() const { return "edgepost_segment_" + std::to_string(id_); }
  Status located(const Status& status, std::uint64_t sequence) const;

  const std::uint32_t id_;
  const std::string name_;
  std::atomic<std::uint32_t> max_per_key_;  // of options_, asked for each event
  std::atomic<bool> is_deleted_ = false;
  std::atomic<std::uint64_t> next_sequence_ = 1;
  mutable std::mutex mutex_;  // guards what follows up to books_
  StreamOptions options_;
  DeadCounters dead_counters_;
  std::vector<std::shared_ptr<Cursor>> cursors_;
  std::uint64_t claimed_events_ = 0;
  std::uint64_t claimed_bytes_ = 0;
  std::uint64_t bytes_ = 0;                 // of all segments
  std::uint64_t unbooked_segments_ = 0;     // appended since the books were written
  Duration oldest_life_ = Duration::max();  // of the oldest segment; kept with max_age only
  Dropped reported_;                        // by take_dropped()
  std::uint64_t compacted_to_ = 0;          // where the round in progress is; 0: none is
  std::uint64_t compact_bytes_ = 0;         // of all segments after the last round
  Books books_;

  // Of the transaction in progress.
  std::optional<Books> written_;
  std::vector<Drop> drops_;
  Duration planned_oldest_ = Duration::max();
  std::vector<Death> deaths_;
  std::shared_ptr<Cursor> leaving_;
  Added added_;
  std::uint64_t trimmed_bytes_ = 0;
  std::optional<Compacted> compacted_;

  Statement insert_;
  Statement newest_;
  Statement update_books_;
  Statement trim_;
  Statement oldest_;
  Statement select_;  // on the reading connection
};

/// Takes room in all of `streams`, or in none. Errors: those of StreamLog::claim.
Status claim_in_all(std::span<StreamLog* const> streams, std::uint64_t bytes);
void release_in_all(std::span<StreamLog* const> streams, std::uint64_t bytes);

}  // namespace edgepost::store
