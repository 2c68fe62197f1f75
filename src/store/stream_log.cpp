#include "store/stream_log.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "store/schema.hpp"

namespace edgepost::store {
namespace {

constexpr std::uint8_t kBooksFormat = 2;    // 1 had neither starts nor runs
constexpr std::uint64_t kRunsMax = 65'536;  // bounds what a damaged file makes us allocate
constexpr std::size_t kChecksumBytes = 4;

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

void read_runs(ByteReader& reader, Floor& floor) {
  floor.start = reader.varint();
  std::uint64_t events = 0;
  for (std::uint64_t count = reader.varint(); count > 0 && !reader.has_failed(); --count) {
    floor.runs.push_back(reader.varint());
    events += std::min(floor.runs.back(), kRunsMax);
    if (events > kRunsMax) reader.raw(~std::uint64_t{0});  // marks the reader as failed
  }
}

}  // namespace

std::string Books::encode(std::uint32_t stream) const {
  std::string out;
  ByteWriter writer(out);
  writer.byte(kBooksFormat);
  for (const std::uint64_t figure : {next_sequence, done, acknowledged, expired, dropped, dead,
                                     static_cast<std::uint64_t>(floors.size())}) {
    writer.varint(figure);
  }
  for (const Floor& floor : floors) {
    writer.varint(floor.consumer);
    writer.varint(floor.floor);
    writer.varint(floor.start);
    writer.varint(floor.runs.size());
    for (const std::uint64_t run : floor.runs)
      writer.varint(run);
  }
  writer.fixed32(crc32c(out, stream));
  return out;
}

Result<Books> Books::decode(std::string_view bytes, std::uint32_t stream) {
  if (bytes.size() <= kChecksumBytes) return Status(Code::corrupt, "row 0 is missing or short");
  const std::string_view content = bytes.substr(0, bytes.size() - kChecksumBytes);
  ByteReader tail(bytes.substr(content.size()));
  if (tail.fixed32() != crc32c(content, stream)) {
    return Status(Code::corrupt, "row 0: checksum wrong");
  }
  ByteReader reader(content);
  const std::uint8_t format = reader.byte();
  if (format == 0 || format > kBooksFormat) {
    return Status(Code::unsupported, "row 0: format unknown: made by a newer edgepost");
  }
  Books books;
  for (std::uint64_t* figure : {&books.next_sequence, &books.done, &books.acknowledged,
                                &books.expired, &books.dropped, &books.dead}) {
    *figure = reader.varint();
  }
  const std::uint64_t count = reader.varint();
  for (std::uint64_t i = 0; i < count && !reader.has_failed(); ++i) {
    Floor floor;
    floor.consumer = static_cast<std::uint32_t>(reader.varint());
    floor.floor = reader.varint();
    if (format >= 2) read_runs(reader, floor);
    books.floors.push_back(std::move(floor));
  }
  if (reader.has_failed() || !reader.is_at_end()) {
    return Status(Code::corrupt, "row 0 is malformed");
  }
  return books;
}

Status StreamLog::create(Connection& connection) {
  if (Status status = connection.run(segment_table_sql(id_).c_str()); !status.is_ok())
    return status;
  Result<Statement> insert = connection.prepare("INSERT INTO " + table() + " VALUES (0, 0, 0, ?1)");
  if (!insert) return insert.status();
  const std::string books = Books{}.encode(id_);
  insert->bind_blob(1, books);
  return connection.step(*insert).status();
}

Status StreamLog::load(Connection& connection) {
  Result<Statement> row0 =
      connection.prepare("SELECT data FROM " + table() + " WHERE last_seq = 0");
  if (!row0) return located(row0.status(), 0);
  const Result<bool> found = connection.step(*row0);
  if (!found) return located(found.status(), 0);
  Result<Books> books = Books::decode(*found ? row0->bytes(0) : std::string_view{}, id_);
  if (!books) return located(books.status(), 0);
  const std::string newest_sql = "SELECT max(last_seq) FROM " + table();
  const Result<std::int64_t> newest = connection.integer(newest_sql.c_str());
  if (!newest) return located(newest.status(), 0);
  const std::lock_guard lock(mutex_);
  books_ = std::move(*books);
  next_sequence_ =
      std::max(books_.next_sequence, static_cast<std::uint64_t>(*newest) + std::uint64_t{1});
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
  return connection.step(insert_).status();
}

Result<std::uint64_t> StreamLog::newest(Connection& connection) {
  Status status = prepare_once(connection, newest_, "SELECT max(last_seq) FROM " + table());
  if (!status.is_ok()) return status;
  StatementUse newest(newest_);
  if (const Result<bool> row = connection.step(newest_); !row) return row.status();
  return newest->integer(0);
}

bool StreamLog::has_unwritten_floors() const {
  const std::lock_guard lock(mutex_);
  if (cursors_.size() != books_.floors.size()) return true;
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    if (cursors_[i]->changes() != books_.floors[i].changes) return true;
  }
  return false;
}

Books StreamLog::books_of_now(std::uint64_t next_sequence) const {
  Books books = books_;
  books.next_sequence = next_sequence;
  books.floors.clear();
  std::uint64_t done = next_sequence - 1;
  bool is_wanted = false;  // Nobody may settle events that no consumer was ever to get.
  for (const auto& cursor : cursors_) {
    books.floors.push_back(cursor->snapshot());
    done = std::min(done, books.floors.back().floor);
    is_wanted = is_wanted || books.floors.back().start <= books.done + 1;
  }
  if (is_wanted && done > books.done) {
    books.acknowledged += done - books.done;
    books.done = done;
  }
  return books;
}

Status StreamLog::write_books(Connection& connection, std::uint64_t next_sequence) {
  Status status = prepare_once(connection, update_books_,
                               "UPDATE " + table() + " SET data = ?1 WHERE last_seq = 0");
  if (!status.is_ok()) return status;
  status = prepare_once(connection, trim_,
                        "DELETE FROM " + table() + " WHERE last_seq BETWEEN 1 AND ?1");
  if (!status.is_ok()) return status;
  {
    const std::lock_guard lock(mutex_);
    written_ = books_of_now(next_sequence);
  }
  const std::string encoded = written_->encode(id_);
  StatementUse update(update_books_);
  update->bind_blob(1, encoded);
  if (const Result<bool> done = connection.step(update_books_); !done) return done.status();
  StatementUse trim(trim_);
  trim->bind(1, written_->done);
  return connection.step(trim_).status();
}

void StreamLog::committed(std::uint64_t next_sequence) {
  next_sequence_ = next_sequence;
  if (!written_) return;
  const std::lock_guard lock(mutex_);
  books_ = std::move(*written_);
  written_.reset();
}

Result<std::optional<Stored>> StreamLog::read(Connection& connection, ReadPosition& position) {
  // SQLite's keys are signed: nothing can stand beyond.
  constexpr auto kLast = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (position.next > kLast) return std::optional<Stored>();
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
    if (!segment) return located(segment.status(), select->integer(0));
    position.segment = std::move(*segment);
  }
}

std::shared_ptr<Cursor> StreamLog::add_cursor(std::string name, const Floor& from) {
  const std::lock_guard lock(mutex_);
  cursors_.push_back(std::make_shared<Cursor>(std::move(name), from));
  return cursors_.back();
}

void StreamLog::remove_cursor(std::string_view name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(cursors_, [name](const auto& cursor) { return cursor->name == name; });
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
  return {.consumer = id, .start = books_.done + 1, .floor = books_.done};
}

StreamStatus StreamLog::status() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t next = next_sequence_;
  const Books books = books_of_now(next);
  StreamStatus status;
  status.name = name_;
  status.first_sequence = books.done + 1;
  status.next_sequence = next;
  status.ledger = {next - 1,
                   books.acknowledged,
                   next - 1 - books.done,
                   books.expired,
                   Dropped{.max_bytes = books.dropped},
                   books.dead};
  for (const auto& cursor : cursors_) {
    const std::uint64_t floor = std::min(cursor->floor(), next - 1);
    status.consumers.push_back({cursor->name, floor, next - 1 - floor});
  }
  return status;
}

Status StreamLog::located(const Status& status, std::uint64_t sequence) const {
  std::string message = "stream " + name_;
  if (sequence != 0) message += ", sequence " + std::to_string(sequence);
  return {status.code(), message + ": " + status.message()};
}

}  // namespace edgepost::store
