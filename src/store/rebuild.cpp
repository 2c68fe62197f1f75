#include "store/rebuild.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "store/segment.hpp"
#include "store/stream_log.hpp"
#include "store/table_walk.hpp"

namespace edgepost::store {
namespace {

constexpr std::size_t kProblemsShown = 20;                           // what a person reads
constexpr std::size_t kUncommittedBytesMax = std::size_t{1} << 20U;  // keeps the log small

std::string quoted(std::string_view name, char quote = '"') {
  std::string text(1, quote);
  for (const char c : name)
    text.append(c == quote ? 2 : 1, c);
  return text + quote;
}

Result<std::vector<std::string>> texts(Connection& connection, const std::string& sql) {
  Result<Statement> select = connection.prepare(sql);
  if (!select) return select.status();
  std::vector<std::string> found;
  while (true) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) return found;
    found.emplace_back(select->bytes(0));
  }
}

// The number of events in a segment that is right in every byte; none for any other.
std::optional<std::uint64_t> events_in(std::string_view data, std::uint32_t stream,
                                       std::uint64_t last, std::uint64_t count) {
  Result<SegmentReader> segment = SegmentReader::open(std::string(data), stream, last, count);
  if (!segment) return std::nullopt;
  std::uint64_t events = 0;
  for (; segment->has_next(); ++events) {
    if (!segment->next()) return std::nullopt;
  }
  return events;
}

// Nobody knows its name any more, unless it is there.
std::string recovered_stream_sql(const std::string& id) {
  return "INSERT OR IGNORE INTO edgepost_stream (id, name) VALUES (" + id + ", 'recovered-" + id +
         "')";
}

bool is_of_disk(const Status& status) {
  return status.code() == Code::full || status.code() == Code::io_error ||
         status.code() == Code::busy;
}

}  // namespace

void Rebuild::problem(std::string text) {
  if (report_.problems.size() < kProblemsShown) report_.problems.push_back(std::move(text));
}

// Commits now and then: what is half done is done again after a power cut anyway.
Status Rebuild::counted(std::size_t bytes) {
  uncommitted_bytes_ += bytes;
  if (uncommitted_bytes_ < kUncommittedBytesMax) return {};
  uncommitted_bytes_ = 0;
  return to_.run("COMMIT; BEGIN IMMEDIATE", "cannot be salvaged");
}

Status Rebuild::run() {
  Status status = to_.run("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE", "cannot be salvaged");
  if (status.is_ok()) status = carry_identity();
  if (status.is_ok()) status = carry_our_tables();
  if (status.is_ok()) status = check_dead_letters();
  if (status.is_ok()) status = carry_streams();
  // Triggers come last: they must not act on what is carried over.
  for (const char* type : {"table", "index", "view", "trigger"}) {
    if (status.is_ok()) status = carry_user_objects(type);
  }
  if (status.is_ok()) status = to_.run("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
  return status;
}

Status Rebuild::carry_identity() {
  const Result<Identity> identity = read_identity(from_);
  if (!identity) {
    problem("the identity of the database was lost: it has a new one");
    stamp_ = owner_.last_stamp();
    if (stamp_) lives_ = {stamp_->life};
    return is_of_disk(identity.status()) ? identity.status() : Status();
  }
  // An owner that died while it began has left its own count behind, or not yet.
  Identity next = *identity;
  ++next.incarnation;
  lives_ = {life_of(*identity), life_of(next)};
  for (const std::uint64_t life : lives_) {
    if (!stamp_) stamp_ = owner_.stamp(life);
  }
  Result<Statement> update = to_.prepare("UPDATE edgepost_meta SET uuid = ?1, incarnation = ?2");
  if (!update) return update.status();
  const auto bytes = std::as_bytes(std::span(identity->uuid));
  update->bind_blob(1, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  update->bind(2, identity->incarnation);
  return to_.step(*update).status();
}

Status Rebuild::insert(Statement& insert, Statement& row, int columns) {
  StatementUse use(insert);
  for (int i = 0; i < columns; ++i)
    sqlite3_bind_value(insert.handle(), i + 1, sqlite3_column_value(row.handle(), i));
  const Status status = to_.step(insert).status();
  if (is_of_disk(status)) return status;
  // A value that its column does not take is a damaged one.
  if (!status.is_ok()) problem("a row was lost: " + status.message());
  return counted(sizeof(std::uint64_t));
}

Status Rebuild::carry_table(const std::string& name) {
  const auto columns_of = [&name](Connection& connection) {
    return texts(connection, "SELECT name FROM pragma_table_info(" + quoted(name, '\'') + ")");
  };
  const auto wanted = columns_of(to_);
  if (!wanted) return wanted.status();
  const auto there = columns_of(from_);
  if (!there && is_of_disk(there.status())) return there.status();
  std::string columns;
  std::string places;
  int count = 1;
  for (const std::string& column : *wanted) {
    if (!there || std::find(there->begin(), there->end(), column) == there->end()) continue;
    columns += (columns.empty() ? "" : ", ") + quoted(column);
    places += ", ?" + std::to_string(++count);
  }
  const std::string table = quoted(name);
  if (columns.empty()) {
    problem("table " + name + " was lost");
    return {};
  }
  const Status numbered = to_.prepare("SELECT _rowid_ FROM " + table).status();
  if (is_of_disk(numbered)) return numbered;
  const bool is_keyed = !numbered.is_ok();
  Result<Statement> into =
      to_.prepare(is_keyed ? "INSERT OR IGNORE INTO " + table + " (" + columns + ") VALUES (" +
                                 places.substr(2) + ")"
                           : "INSERT OR IGNORE INTO " + table + " (_rowid_, " + columns +
                                 ") VALUES (?1" + places + ")");
  if (!into) return into.status();
  const auto take = [&](Statement& row) -> Result<bool> {
    const Status status = insert(*into, row, count);
    return status.is_ok() ? Result<bool>(true) : Result<bool>(status);
  };
  const Result<bool> whole = is_keyed ? walk_keyed_table(from_, table, columns, take)
                                      : walk_table(from_, table, columns, take);
  if (!whole && is_of_disk(whole.status())) return whole.status();
  if (!whole || !*whole) problem("rows of table " + name + " could not be read");
  return {};
}

Status Rebuild::carry_our_tables() {
  const auto tables = texts(to_,
                            "SELECT name FROM sqlite_schema WHERE type = 'table' AND"
                            " name LIKE 'edgepost\\_%' ESCAPE '\\' AND name NOT IN"
                            " ('edgepost_meta', 'edgepost_dead_group')");
  if (!tables) return tables.status();
  for (const std::string& table : *tables) {
    if (Status status = carry_table(table); !status.is_ok()) return status;
  }
  return {};
}

// A dead letter whose event is damaged can be shown to nobody: it counts as purged. A try of
// nobody, or that was none, is of no use to anybody.
Status Rebuild::check_dead_letters() {
  const char* const tries =
      "DELETE FROM edgepost_attempt"
      " WHERE attempts < 1 OR consumer_id NOT IN (SELECT id FROM edgepost_consumer)";
  if (Status status = to_.run(tries); !status.is_ok()) return status;
  Result<Statement> select = to_.prepare("SELECT id, stream_id, sequence, data FROM edgepost_dead");
  if (!select) return select.status();
  std::vector<std::uint64_t> damaged;
  while (true) {
    const Result<bool> row = to_.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    const auto stream = static_cast<std::uint32_t>(select->integer(1));
    if (events_in(select->bytes(3), stream, select->integer(2), 1) == 1) continue;
    damaged.push_back(select->integer(0));
  }
  for (const std::uint64_t id : damaged) {
    problem("a dead letter was lost: its event is damaged");
    const std::string where = " FROM edgepost_dead WHERE id = " + std::to_string(id);
    const std::string sql =
        "UPDATE edgepost_stream SET purged = purged + 1, requeued = requeued -"
        " (SELECT is_requeued" +
        where + ") WHERE id = (SELECT stream_id" + where + " AND is_counted); DELETE" + where;
    if (Status status = to_.run(sql.c_str()); !status.is_ok()) return status;
  }
  return to_.run(
      "INSERT INTO edgepost_dead_group SELECT stream_id, consumer, reason, sum(NOT is_requeued),"
      " sum(is_requeued) FROM edgepost_dead GROUP BY stream_id, consumer, reason");
}

Status Rebuild::carry_streams() {
  const std::string prefix = "edgepost_segment_";
  const auto tables = texts(from_, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  if (!tables && is_of_disk(tables.status())) return tables.status();
  for (const std::string& table : tables ? *tables : std::vector<std::string>()) {
    if (!table.starts_with(prefix)) continue;
    const std::string id = table.substr(prefix.size());
    if (id.empty() || id.size() > 9 || id.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    if (Status status = to_.run(recovered_stream_sql(id).c_str()); !status.is_ok()) return status;
  }
  // Of some there may be nothing left but how far they had come.
  for (const auto& [id, mark] : stamp_ ? stamp_->marks : std::map<std::uint32_t, std::uint64_t>()) {
    if (mark == 0) continue;
    if (Status status = to_.run(recovered_stream_sql(std::to_string(id)).c_str()); !status.is_ok())
      return status;
  }
  std::vector<Stream> streams;
  Result<Statement> select = to_.prepare("SELECT id, name FROM edgepost_stream ORDER BY id");
  if (!select) return select.status();
  while (true) {
    const Result<bool> row = to_.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    streams.push_back(
        {static_cast<std::uint32_t>(select->integer(0)), std::string(select->bytes(1))});
  }
  for (const Stream& stream : streams) {
    Status status = to_.run(segment_table_sql(stream.id).c_str());
    if (status.is_ok()) status = carry_segments(stream);
    if (status.is_ok()) status = carry_books(stream);
    if (!status.is_ok()) return status;
  }
  // Ids are never given twice, not even those of what was lost.
  const Result<std::int64_t> given = from_.integer("SELECT next_id FROM edgepost_meta");
  if (!given && is_of_disk(given.status())) return given.status();
  const std::string next_id = "UPDATE edgepost_meta SET next_id = max(" +
                              std::to_string(given ? *given : 1) +
                              ", 1 + max((SELECT coalesce(max(id), 0) FROM edgepost_stream),"
                              " (SELECT coalesce(max(id), 0) FROM edgepost_consumer)))";
  return to_.run(next_id.c_str());
}

Status Rebuild::insert_segment(const Stream& stream, std::uint64_t last, std::uint64_t count,
                               std::string_view data) {
  Result<Statement> into = to_.prepare("INSERT OR IGNORE INTO " + segment_table_name(stream.id) +
                                       " VALUES (?1, ?2, ?3, ?4)");
  if (!into) return into.status();
  into->bind(1, last);
  into->bind(2, count);
  into->bind(3, static_cast<std::uint64_t>(data.size()));
  into->bind_blob(4, data);
  const Status status = to_.step(*into).status();
  return status.is_ok() ? counted(data.size()) : status;
}

Status Rebuild::carry_segments(const Stream& stream) {
  const auto take = [&](Statement& row) -> Result<bool> {
    const std::uint64_t last = row.integer(0);
    const std::uint64_t count = row.integer(1);
    const std::string_view data = row.bytes(2);
    if (last == 0) return true;
    const auto events = events_in(data, stream.id, last, count);
    if (!events) return false;
    report_.events_salvaged += *events;
    const Status status = insert_segment(stream, last, count, data);
    return status.is_ok() ? Result<bool>(true) : Result<bool>(status);
  };
  const Result<bool> whole = walk_table(from_, segment_table_name(stream.id), "count, data", take);
  return !whole && is_of_disk(whole.status()) ? whole.status() : Status();
}

// Only what the owner's notes prove counts as acknowledged. What is not there, and may have been
// delivered or not, is lost.
Result<Books> Rebuild::new_books(const Stream& stream, std::uint64_t next) {
  const auto ids =
      texts(to_, "SELECT id FROM edgepost_consumer WHERE stream_id = " + std::to_string(stream.id) +
                     " AND id BETWEEN 1 AND " + std::to_string(UINT32_MAX) + " ORDER BY id");
  if (!ids) return ids.status();
  Books books;
  books.next_sequence = next;
  for (const std::string& id : *ids) {
    Floor floor;
    std::from_chars(id.data(), id.data() + id.size(), floor.consumer);
    for (const std::uint64_t life : lives_)
      floor.floor = std::max(floor.floor, owner_.noted(floor.consumer, life));
    floor.floor = std::min(floor.floor, next - 1);
    books.done = books.floors.empty() ? floor.floor : std::min(books.done, floor.floor);
    books.floors.push_back(std::move(floor));
  }
  for (Floor& floor : books.floors)
    floor.start = books.done + 1;
  books.trimmed = books.acknowledged = books.done;
  return books;
}

Status Rebuild::carry_books(const Stream& stream) {
  const std::string table = segment_table_name(stream.id);
  std::string row0;
  auto select = from_.prepare("SELECT data FROM " + table + " WHERE last_seq = 0");
  const Result<bool> row = select ? from_.step(*select) : select.status();
  if (!row && is_of_disk(row.status())) return row.status();
  if (row && *row) row0 = select->bytes(0);
  Result<Books> books = Books::decode(row0, stream.id);
  const Result<std::int64_t> newest = to_.integer(("SELECT max(last_seq) FROM " + table).c_str());
  if (!newest) return newest.status();
  std::uint64_t next = static_cast<std::uint64_t>(*newest) + 1;
  if (books) next = std::max(next, books->next_sequence);
  if (stamp_ && stamp_->marks.contains(stream.id)) {
    next = std::max(next, stamp_->marks.at(stream.id) + 1);
  }
  if (!books) {
    problem("stream " + stream.name + ": its books were lost and are made anew");
    Result<Books> made = new_books(stream, next);
    if (!made) return made.status();
    books = std::move(*made);
  }
  if (Status status = fill_holes(stream, books->done, next); !status.is_ok()) return status;
  const Result<std::int64_t> bytes =
      to_.integer(("SELECT sum(bytes) FROM " + table + " WHERE last_seq < " +
                   std::to_string(books->next_sequence))
                      .c_str());
  if (!bytes) return bytes.status();
  books->bytes = static_cast<std::uint64_t>(*bytes);
  return insert_segment(stream, 0, 0, books->encode(stream.id));
}

// Everything that should be there and is not is lost, and its place says so.
Status Rebuild::fill_holes(const Stream& stream, std::uint64_t done, std::uint64_t next) {
  struct Hole {
    std::uint64_t first;
    std::uint64_t last;
  };
  std::vector<Hole> holes;
  std::uint64_t expected = done + 1;
  Result<Statement> select = to_.prepare("SELECT last_seq, count FROM " +
                                         segment_table_name(stream.id) + " ORDER BY last_seq");
  if (!select) return select.status();
  while (true) {
    const Result<bool> row = to_.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    const std::uint64_t first = select->integer(0) - select->integer(1) + 1;
    if (first > expected) holes.push_back({expected, first - 1});
    expected = std::max(expected, select->integer(0) + 1);
  }
  if (expected < next) holes.push_back({expected, next - 1});
  for (const Hole& hole : holes) {
    const std::uint64_t count = hole.last - hole.first + 1;
    report_.events_lost += count;
    problem("stream " + stream.name + ": " + std::to_string(count) + " events from sequence " +
            std::to_string(hole.first) + " on were lost");
    const Status status =
        insert_segment(stream, hole.last, count, lost_segment(stream.id, hole.last, count));
    if (!status.is_ok()) return status;
  }
  return {};
}

Status Rebuild::carry_user_objects(const char* type) {
  Result<Statement> select = from_.prepare(
      "SELECT name, sql FROM sqlite_schema WHERE type = ?1 AND sql IS NOT NULL"
      " AND tbl_name NOT LIKE 'edgepost\\_%' ESCAPE '\\' AND name NOT LIKE 'edgepost\\_%' ESCAPE "
      "'\\'"
      " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'");
  if (!select) return is_of_disk(select.status()) ? select.status() : Status();
  select->bind_text(1, type);
  while (true) {
    const Result<bool> row = from_.step(*select);
    if (!row && is_of_disk(row.status())) return row.status();
    if (!row || !*row) return {};
    const std::string name(select->bytes(0));
    Result<Statement> made = to_.prepare(select->bytes(1));
    Status status = made ? to_.step(*made).status() : made.status();
    if (is_of_disk(status)) return status;
    if (!status.is_ok()) problem(std::string(type) + " " + name + " could not be made again");
    if (!status.is_ok() || std::string_view(type) != "table") continue;
    if (status = carry_table(name); !status.is_ok()) return status;
  }
}

}  // namespace edgepost::store
