#include "store/stream_log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "store/schema.hpp"

namespace edgepost::store {
namespace {

Status prepare_once(Connection& connection, Statement& statement, const std::string& sql) {
  if (statement.is_prepared()) return {};
  Result<Statement> prepared = connection.prepare(sql);
  if (!prepared) {
    // These statements are right, and their table is there: what SQLite takes for a missing table
    // is a schema that it could not read. The caller has done nothing wrong.
    const Status& status = prepared.status();
    const bool is_ours = status.code() == Code::invalid_argument;
    return is_ours ? Status(Code::io_error, status.message()) : status;
  }
  statement = std::move(*prepared);
  return {};
}

}  // namespace

Status StreamLog::create(Connection& connection) {
  if (Status status = connection.run(segment_table_sql(id_).c_str()); !status.is_ok())
    return status;
  Result<Statement> insert = connection.prepare("INSERT INTO " + table() + " VALUES (0, 0, 0, ?1)");
  if (!insert) return insert.status();
  const std::string books = Books{}.encode(id_);
  insert->bind_blob(1, books);
  return connection.step(*insert).status();
}

Status StreamLog::drop(Connection& connection) {
  // Statements of a table that is dropped would be prepared again, and fail.
  for (Statement* statement : {&insert_, &update_books_, &trim_, &oldest_, &newest_})
    *statement = Statement();
  return connection.run(("DROP TABLE " + table()).c_str());
}

Status StreamLog::load(Connection& connection) {
  Result<Statement> row0 =
      connection.prepare("SELECT data FROM " + table() + " WHERE last_seq = 0");
  if (!row0) return located(row0.status(), 0);
  const Result<bool> found = connection.step(*row0);
  if (!found) return located(found.status(), 0);
  Result<Books> books = Books::decode(*found ? row0->bytes(0) : std::string_view{}, id_);
  if (!books) return located(books.status(), 0);
  Result<Statement> newer = connection.prepare("SELECT max(last_seq), sum(bytes), count(*) FROM " +
                                               table() + " WHERE last_seq >= ?1");
  if (!newer) return located(newer.status(), 0);
  newer->bind(1, books->has_bytes ? books->next_sequence : 1);
  const Result<bool> summed = connection.step(*newer);
  if (!summed) return located(summed.status(), 0);
  const std::lock_guard lock(mutex_);
  books_ = std::move(*books);
  bytes_ = books_.bytes + newer->integer(1);
  unbooked_segments_ = newer->integer(2);
  next_sequence_ = std::max(books_.next_sequence, newer->integer(0) + 1);
  reported_ = books_.dropped;
  oldest_life_ = Duration::max();
  if (options_.max_age == Duration::zero()) return {};
  Result<Statement> oldest =
      connection.prepare("SELECT last_seq, bytes, count, data FROM " + table() +
                         " WHERE last_seq > ?1 ORDER BY last_seq LIMIT 1");
  if (!oldest) return located(oldest.status(), 0);
  oldest->bind(1, books_.trimmed);
  const Result<bool> is_there = connection.step(*oldest);
  if (!is_there) return located(is_there.status(), 0);
  if (*is_there && oldest->integer(0) > 0) oldest_life_ = life_of(*oldest, books_.life);
  return {};
}

Status StreamLog::append(Connection& connection, const SegmentWriter& segment,
                         std::uint64_t last_sequence) {
  if (Status status =
          prepare_once(connection, insert_, "INSERT INTO " + table() + " VALUES (?1, ?2, ?3, ?4)");
      !status.is_ok()) {
    return status;
  }
  StatementUse insert(insert_);
  insert->bind(1, last_sequence);
  insert->bind(2, segment.count());
  insert->bind(3, static_cast<std::uint64_t>(segment.bytes().size()));
  insert->bind_blob(4, segment.bytes());
  added_.bytes += segment.bytes().size();
  ++added_.segments;
  return connection.step(insert_).status();
}

Result<std::uint64_t> StreamLog::newest(Connection& connection) {
  Status status = prepare_once(connection, newest_, "SELECT max(last_seq) FROM " + table());
  if (!status.is_ok()) return status;
  StatementUse newest(newest_);
  if (const Result<bool> row = connection.step(newest_); !row) return row.status();
  return newest->integer(0);
}

// When the segment in `row` (last_seq, bytes, count, data) was stored; one that cannot be read is
// as young as can be: age is no reason to drop it.
Duration StreamLog::life_of(const Statement& row, Duration now) const {
  const auto segment =
      SegmentReader::open(std::string(row.bytes(3)), id_, row.integer(0), row.integer(2));
  return segment ? segment->moment().life : now;
}

// What exceeds the limits, oldest first. The newest segment is never too much, only too old.
Status StreamLog::plan_drops(Connection& connection, std::uint64_t next_sequence, Duration life) {
  const std::lock_guard lock(mutex_);
  drops_.clear();
  planned_oldest_ = Duration::max();
  const bool makes_room = options_.discard == Discard::old_events;
  const bool has_age = options_.max_age != Duration::zero();
  if (!makes_room && !has_age) return {};
  const std::uint64_t bytes = bytes_planned();
  std::uint64_t over = 0;
  if (makes_room && options_.max_bytes != 0) over = bytes - std::min(options_.max_bytes, bytes);
  // What consumers have settled goes anyway, and makes room first.
  const std::uint64_t trimmed = books_of_now(next_sequence).trimmed;
  std::uint64_t aged = trimmed;
  std::uint64_t crowded = trimmed;
  Status status = prepare_once(connection, oldest_,
                               "SELECT last_seq, bytes, count, data FROM " + table() +
                                   " WHERE last_seq > 0 ORDER BY last_seq");
  if (!status.is_ok()) return status;
  StatementUse oldest(oldest_);
  while (over > 0 || has_age) {
    const Result<bool> row = connection.step(oldest_);
    if (!row) return row.status();
    if (!*row) break;
    const std::uint64_t last = oldest->integer(0);
    if (last > trimmed) {
      const Duration stored = has_age ? life_of(oldest_, life) : life;
      if (has_age && stored <= life - options_.max_age) {
        aged = last;
      } else if (over > 0 && last < next_sequence - 1) {
        crowded = last;
      } else {
        if (has_age) planned_oldest_ = stored;
        break;
      }
    }
    over -= std::min(over, oldest->integer(1));
  }
  std::uint64_t gone = trimmed;
  const auto drop_to = [&](std::uint64_t sequence, Outcome reason) {
    if (sequence > gone) drops_.push_back({gone = sequence, reason});
  };
  drop_to(aged, Outcome::max_age);
  drop_to(crowded, Outcome::max_bytes);
  if (makes_room && options_.max_events != 0 && next_sequence - 1 > options_.max_events) {
    drop_to(next_sequence - 1 - options_.max_events, Outcome::max_events);
  }
  return {};
}

// Deletes whole segments up to a sequence; the bytes that were in them.
Result<std::uint64_t> StreamLog::trim(Connection& connection, std::uint64_t up_to) {
  Status status =
      prepare_once(connection, trim_,
                   "DELETE FROM " + table() + " WHERE last_seq BETWEEN 1 AND ?1 RETURNING bytes");
  if (!status.is_ok()) return status;
  StatementUse trim(trim_);
  trim->bind(1, up_to);
  std::uint64_t bytes = 0;
  while (true) {
    const Result<bool> row = connection.step(trim_);
    if (!row) return row.status();
    if (!*row) return bytes;
    bytes += trim->integer(0);
  }
}

Status StreamLog::write_books(Connection& connection, Latest& latest, std::uint64_t next_sequence,
                              Duration life) {
  Status status = prepare_once(connection, update_books_,
                               "UPDATE " + table() + " SET data = ?1 WHERE last_seq = 0");
  if (status.is_ok()) status = compact(connection, latest, next_sequence);
  if (status.is_ok()) status = plan_drops(connection, next_sequence, life);
  if (!status.is_ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    written_ = books_of_now(next_sequence, drops_);
  }
  const Result<std::uint64_t> trimmed = trim(connection, written_->trimmed);
  if (!trimmed) return trimmed.status();
  trimmed_bytes_ = *trimmed;
  written_->bytes = bytes_planned();
  written_->life = life;
  const std::string encoded = written_->encode(id_);
  StatementUse update(update_books_);
  update->bind_blob(1, encoded);
  return connection.step(update_books_).status();
}

void StreamLog::committed(std::uint64_t next_sequence, Duration life) {
  const std::lock_guard lock(mutex_);
  if (added_.segments > 0) oldest_life_ = std::min(oldest_life_, life);
  next_sequence_ = next_sequence;
  bytes_ = bytes_planned();
  unbooked_segments_ += added_.segments;
  added_ = {};
  trimmed_bytes_ = 0;
  if (compacted_) {
    compacted_to_ = compacted_->position;
    if (compacted_to_ == 0) compact_bytes_ = bytes_;
  }
  compact_bytes_ = std::min(compact_bytes_, bytes_);
  compacted_.reset();
  if (!written_) return;
  for (const Death& death : deaths_)
    death.cursor->settle(death.sequence, Outcome::dead);
  std::erase(cursors_, std::exchange(leaving_, nullptr));
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    for (const Drop& drop : drops_)
      cursors_[i]->raise(drop.to, drop.reason);
    cursors_[i]->forget_passed(written_->floors[i].floor);
  }
  oldest_life_ = planned_oldest_;
  books_ = std::move(*written_);
  written_.reset();
  deaths_.clear();
  drops_.clear();
  unbooked_segments_ = 0;
}

void StreamLog::rolled_back() {
  const std::lock_guard lock(mutex_);
  written_.reset();
  deaths_.clear();
  drops_.clear();
  leaving_.reset();
  added_ = {};
  trimmed_bytes_ = 0;
  compacted_.reset();
}

Result<std::optional<Stored>> StreamLog::read(Connection& connection, ReadPosition& position) {
  if (position.next > kSequenceMax) return std::optional<Stored>();
  while (true) {
    if (position.segment) {
      SegmentReader& segment = *position.segment;
      while (segment.has_next()) {
        const std::uint64_t sequence = segment.next_sequence();
        Result<Stored> stored = segment.next();
        if (!stored) return located(stored.status(), sequence);
        if (stored->event.sequence < position.next) continue;
        position.next = stored->event.sequence + 1;
        return std::optional<Stored>(std::move(*stored));
      }
      position.next = std::max(position.next, segment.next_sequence());  // the last may be gone
      position.segment.reset();
    }
    Status status = prepare_once(connection, select_,
                                 "SELECT last_seq, count, data FROM " + table() +
                                     " WHERE last_seq >= ?1 ORDER BY last_seq LIMIT 1");
    if (!status.is_ok()) return located(status, position.next);
    StatementUse select(select_);
    select->bind(1, std::max<std::uint64_t>(position.next, 1));
    const Result<bool> found = connection.step(select_);
    if (!found) return located(found.status(), position.next);
    if (!*found) return std::optional<Stored>();
    Result<SegmentReader> segment = SegmentReader::open(std::string(select->bytes(2)), id_,
                                                        select->integer(0), select->integer(1));
    const std::uint64_t last = select->integer(0);
    const std::uint64_t first = last + 1 - std::min(select->integer(1), last);
    if (!segment) {
      return Status(segment.status().code(),
                    "stream " + name_ + ", sequences " + std::to_string(first) + " to " +
                        std::to_string(last) + ": " + segment.status().message());
    }
    const std::uint64_t there = segment->is_lost() ? last + 1 : first;
    if (there > position.next) {
      const bool goes_on = position.lost_to + 1 == position.next && position.lost_to != 0;
      if (!goes_on) position.lost_from = position.next;
      position.lost_to = there - 1;
    }
    position.segment = std::move(*segment);
  }
}

std::shared_ptr<Cursor> StreamLog::add_cursor(std::string name, const Floor& from) {
  const std::lock_guard lock(mutex_);
  cursors_.push_back(std::make_shared<Cursor>(std::move(name), from));
  return cursors_.back();
}

void StreamLog::remove_cursor(std::uint32_t id) {
  const std::lock_guard lock(mutex_);
  std::erase_if(cursors_, [id](const auto& cursor) { return cursor->id == id; });
}

void StreamLog::plan_removal(const std::shared_ptr<Cursor>& cursor) {
  const std::lock_guard lock(mutex_);
  leaving_ = cursor;
}

std::vector<std::shared_ptr<Cursor>> StreamLog::cursors() const {
  const std::lock_guard lock(mutex_);
  return cursors_;
}

std::uint64_t StreamLog::trimmed() const {
  const std::lock_guard lock(mutex_);
  return books_.trimmed;
}

Books StreamLog::stored_books() const {
  const std::lock_guard lock(mutex_);
  return books_;
}

std::shared_ptr<Cursor> StreamLog::cursor(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(cursors_.begin(), cursors_.end(),
                                  [name](const auto& cursor) { return cursor->name == name; });
  return found == cursors_.end() ? nullptr : *found;
}

Floor StreamLog::stored_floor(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  for (const Floor& floor : books_.floors) {
    if (floor.consumer == id) return floor;
  }
  Floor floor;
  floor.consumer = id;
  floor.start = books_.done + 1;
  floor.floor = floor.passed_from = books_.done;
  return floor;
}

StreamOptions StreamLog::options() const {
  const std::lock_guard lock(mutex_);
  return options_;
}

void StreamLog::set_options(const StreamOptions& options) {
  const std::lock_guard lock(mutex_);
  options_ = options;
  max_per_key_ = options.max_per_key;
}

void StreamLog::set_dead_counters(const DeadCounters& counters) {
  const std::lock_guard lock(mutex_);
  dead_counters_ = counters;
}

Status StreamLog::located(const Status& status, std::uint64_t sequence) const {
  std::string message = "stream " + name_;
  if (sequence != 0) message += ", sequence " + std::to_string(sequence);
  return {status.code(), message + ": " + status.message()};
}

}  // namespace edgepost::store
