#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/stream.hpp"
#include "store/connection.hpp"
#include "store/cursor.hpp"
#include "store/segment.hpp"

namespace edgepost::store {

/// What row 0 of a segment table holds: the part of a stream's books that segments cannot tell.
struct Books {
  std::uint64_t next_sequence = 1;  ///< At least: segments written later may be ahead of it.
  std::uint64_t done = 0;           ///< Every event up to here is settled and may be trimmed.
  std::uint64_t acknowledged = 0;
  std::uint64_t expired = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead = 0;
  std::vector<Floor> floors;

  [[nodiscard]] std::string encode(std::uint32_t stream) const;
  /// Errors: corrupt, unsupported.
  static Result<Books> decode(std::string_view bytes, std::uint32_t stream);
};

/// Reads events of one stream, segment after segment.
struct ReadPosition {
  std::uint64_t next = 1;                ///< The next sequence wanted.
  std::optional<SegmentReader> segment;  ///< The segment that holds it, once it was read.
};

/// One stream: the table of its segments and, in the table's row 0, its books. Row 0 is the
/// leftmost leaf of the table, the one a trim rewrites anyway, so that moving a floor is free
/// when segments are trimmed.
/// Threads: append(), write_books() and committed() only on the thread whose turn it is to commit;
/// read() under the reading connection's mutex; the rest from any thread.
class StreamLog {
 public:
  StreamLog(std::uint32_t id, std::string name) : id_(id), name_(std::move(name)) {}

  /// Creates the table. Call inside a write transaction.
  Status create(Connection& connection);

  /// Loads the books and finds the next sequence. Errors: corrupt, io_error.
  Status load(Connection& connection);

  /// Inserts one finished segment. Call inside a write transaction.
  Status append(Connection& connection, const SegmentWriter& segment, std::uint64_t last_sequence);

  /// The last sequence of the newest segment in the table, 0 when there is none.
  Result<std::uint64_t> newest(Connection& connection);

  /// True when a floor moved since the books were written.
  [[nodiscard]] bool has_unwritten_floors() const;

  /// Writes the books with the floors of now and deletes the segments that are done. Call inside
  /// a write transaction; becomes true in memory with committed().
  Status write_books(Connection& connection, std::uint64_t next_sequence);

  /// Takes over what the transaction just committed has changed.
  void committed(std::uint64_t next_sequence);

  /// Forgets what the transaction just rolled back would have changed.
  void rolled_back() { written_.reset(); }

  /// Reads the event at `position` or the first one behind it; none at the end.
  /// Errors: corrupt, naming stream and sequence; io_error.
  Result<std::optional<Stored>> read(Connection& connection, ReadPosition& position);

  /// Adds a consumer that exists in the database.
  std::shared_ptr<Cursor> add_cursor(std::string name, const Floor& from);
  /// Takes back add_cursor() after its transaction failed.
  void remove_cursor(std::string_view name);
  [[nodiscard]] std::shared_ptr<Cursor> cursor(std::string_view name) const;
  [[nodiscard]] std::vector<std::shared_ptr<Cursor>> cursors() const {
    const std::lock_guard lock(mutex_);
    return cursors_;
  }

  /// The books as they were last stored or loaded.
  [[nodiscard]] Books stored_books() const {
    const std::lock_guard lock(mutex_);
    return books_;
  }

  /// What the loaded books have of consumer `id`; the oldest pending event if they do not know it.
  [[nodiscard]] Floor stored_floor(std::uint32_t id) const;

  [[nodiscard]] std::uint32_t id() const { return id_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  [[nodiscard]] StreamStatus status() const;

 private:
  [[nodiscard]] Books books_of_now(std::uint64_t next_sequence) const;
  [[nodiscard]] std::string table() const { return "edgepost_segment_" + std::to_string(id_); }
  Status located(const Status& status, std::uint64_t sequence) const;

  const std::uint32_t id_;
  const std::string name_;
  std::atomic<std::uint64_t> next_sequence_ = 1;
  mutable std::mutex mutex_;  // guards books_ and cursors_
  Books books_;
  std::vector<std::shared_ptr<Cursor>> cursors_;
  std::optional<Books> written_;  // by the transaction in progress
  Statement insert_;
  Statement newest_;
  Statement update_books_;
  Statement trim_;
  Statement select_;  // on the reading connection
};

}  // namespace edgepost::store
