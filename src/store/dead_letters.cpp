#include "store/dead_letters.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "store/segment.hpp"

namespace edgepost::store {
namespace {

constexpr std::size_t kErrorBytesMax = 256;  // what DeadLetter promises

std::string_view shortened(std::string_view error) {
  if (error.size() <= kErrorBytesMax) return error;
  std::size_t end = kErrorBytesMax;
  while (end > 0 && (static_cast<unsigned char>(error[end]) & 0xC0U) == 0x80U)
    --end;  // no half of a UTF-8 character
  return error.substr(0, end);
}

using GroupName = std::tuple<std::uint32_t, std::string, std::string>;

Status write_group(Connection& connection, const GroupName& name, const DeadChange& change) {
  const auto& [stream, consumer, reason] = name;
  Result<Statement> upsert = connection.prepare(
      "INSERT INTO edgepost_dead_group VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET"
      " dead = dead + excluded.dead, requeued = requeued + excluded.requeued");
  if (!upsert) return upsert.status();
  upsert->bind(1, std::int64_t{stream});
  upsert->bind_text(2, consumer);
  upsert->bind_text(3, reason);
  upsert->bind(4, change.dead);
  upsert->bind(5, change.requeued);
  if (const auto done = connection.step(*upsert); !done) return done.status();
  Result<Statement> remove = connection.prepare(
      "DELETE FROM edgepost_dead_group WHERE stream_id = ?1 AND consumer = ?2 AND reason = ?3"
      " AND dead <= 0 AND requeued <= 0");
  if (!remove) return remove.status();
  remove->bind(1, std::int64_t{stream});
  remove->bind_text(2, consumer);
  remove->bind_text(3, reason);
  return connection.step(*remove).status();
}

Status write_counters(Connection& connection, std::uint32_t stream, const DeadChange& change) {
  Result<Statement> update = connection.prepare(
      "UPDATE edgepost_stream SET requeued = requeued + ?2, redelivered = redelivered + ?3,"
      " purged = purged + ?4 WHERE id = ?1");
  if (!update) return update.status();
  update->bind(1, std::int64_t{stream});
  update->bind(2, change.counted_requeued);
  update->bind(3, change.redelivered);
  update->bind(4, change.purged);
  return connection.step(*update).status();
}

// One dead letter by its place, as long as it is requeued.
struct Found {
  std::int64_t id = 0;
  std::string reason;
  bool is_counted = false;
};

Result<std::optional<Found>> find_requeued(Connection& connection, const DeadPlace& place) {
  Result<Statement> select = connection.prepare(
      "SELECT id, reason, is_counted FROM edgepost_dead"
      " WHERE stream_id = ?1 AND sequence = ?2 AND consumer = ?3 AND is_requeued = 1");
  if (!select) return select.status();
  select->bind(1, std::int64_t{place.stream});
  select->bind(2, place.sequence);
  select->bind_text(3, place.consumer);
  const Result<bool> found = connection.step(*select);
  if (!found) return found.status();
  if (!*found) return std::optional<Found>();
  return std::optional<Found>({static_cast<std::int64_t>(select->integer(0)),
                               std::string(select->bytes(1)), select->integer(2) != 0});
}

Status remove_row(Connection& connection, std::int64_t id) {
  Result<Statement> remove = connection.prepare("DELETE FROM edgepost_dead WHERE id = ?1");
  if (!remove) return remove.status();
  remove->bind(1, id);
  return connection.step(*remove).status();
}

}  // namespace

Status DeadChanges::write(Connection& connection) const {
  std::map<std::uint32_t, DeadChange> streams;
  for (const auto& [name, change] : groups_) {
    if (Status status = write_group(connection, name, change); !status.is_ok()) return status;
    if (change.counted_requeued == 0 && change.redelivered == 0 && change.purged == 0) continue;
    DeadChange& sum = streams[std::get<0>(name)];
    sum.counted_requeued += change.counted_requeued;
    sum.redelivered += change.redelivered;
    sum.purged += change.purged;
  }
  for (const auto& [stream, change] : streams) {
    if (Status status = write_counters(connection, stream, change); !status.is_ok()) return status;
  }
  return {};
}

Result<Stored> unpack_dead(std::string_view data, std::uint32_t stream, std::uint64_t sequence) {
  Result<SegmentReader> segment = SegmentReader::open(std::string(data), stream, sequence, 1);
  if (!segment) return segment.status();
  return segment->next();
}

Status insert_dead(Connection& connection, std::uint32_t stream, const DeadLetter& letter,
                   bool is_counted, const Moment& moment) {
  const std::uint64_t sequence = letter.event.sequence;
  SegmentWriter segment(moment);
  segment.add(letter.event, moment.wall_offset.has_value());
  segment.finish(stream, sequence);
  Result<Statement> insert = connection.prepare(
      "INSERT INTO edgepost_dead (stream_id, sequence, consumer, reason, attempts, first_error,"
      " last_error, is_counted, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
      " ON CONFLICT DO NOTHING");
  if (!insert) return insert.status();
  insert->bind(1, std::int64_t{stream});
  insert->bind(2, sequence);
  insert->bind_text(3, letter.consumer);
  insert->bind_text(4, letter.reason);
  insert->bind(5, std::uint64_t{letter.attempts});
  insert->bind_text(6, shortened(letter.first_error));
  insert->bind_text(7, shortened(letter.last_error));
  insert->bind(8, std::int64_t{is_counted ? 1 : 0});
  insert->bind_blob(9, segment.bytes());
  if (const auto done = connection.step(*insert); !done) return done.status();
  if (sqlite3_changes(connection.handle()) == 0) return {};
  DeadChanges changes;
  changes.of(stream, letter.consumer, letter.reason).dead += 1;
  return changes.write(connection);
}

Status bury_again(Connection& connection, const DeadPlace& place, unsigned attempts,
                  std::string_view last_error) {
  const auto found = find_requeued(connection, place);
  if (!found) return found.status();
  if (!found->has_value()) return {};
  Result<Statement> update = connection.prepare(
      "UPDATE edgepost_dead SET is_requeued = 0, attempts = attempts + ?2, last_error = ?3"
      " WHERE id = ?1");
  if (!update) return update.status();
  update->bind(1, (*found)->id);
  update->bind(2, std::uint64_t{attempts});
  update->bind_text(3, shortened(last_error));
  if (const auto done = connection.step(*update); !done) return done.status();
  DeadChanges changes;
  DeadChange& change = changes.of(place.stream, place.consumer, (*found)->reason);
  change.dead += 1;
  change.requeued -= 1;
  if ((*found)->is_counted) change.counted_requeued -= 1;
  return changes.write(connection);
}

Status delete_redelivered(Connection& connection, const DeadPlace& place) {
  const auto found = find_requeued(connection, place);
  if (!found) return found.status();
  if (!found->has_value()) return {};
  if (Status status = remove_row(connection, (*found)->id); !status.is_ok()) return status;
  DeadChanges changes;
  DeadChange& change = changes.of(place.stream, place.consumer, (*found)->reason);
  change.requeued -= 1;
  if ((*found)->is_counted) {
    change.counted_requeued -= 1;
    change.redelivered += 1;
  }
  return changes.write(connection);
}

Result<std::vector<Stored>> requeued_events(Connection& connection, const DeadPlace& after,
                                            std::size_t events) {
  // The partial index of requeued ones answers this: it costs nothing while there are none.
  Result<Statement> select = connection.prepare(
      "SELECT sequence, data FROM edgepost_dead WHERE is_requeued = 1 AND stream_id = ?1"
      " AND consumer = ?2 AND sequence > ?3 ORDER BY sequence");
  if (!select) return select.status();
  select->bind(1, std::int64_t{after.stream});
  select->bind_text(2, after.consumer);
  select->bind(3, std::min(after.sequence, kSequenceMax));
  std::vector<Stored> found;
  while (found.size() < events) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    Result<Stored> event = unpack_dead(select->bytes(1), after.stream, select->integer(0));
    if (event) found.push_back(std::move(*event));
  }
  return found;
}

Result<DeadCounters> dead_counters(Connection& connection, std::uint32_t stream) {
  Result<Statement> select =
      connection.prepare("SELECT requeued, redelivered, purged FROM edgepost_stream WHERE id = ?1");
  if (!select) return select.status();
  select->bind(1, std::int64_t{stream});
  const Result<bool> row = connection.step(*select);
  if (!row) return row.status();
  if (!*row) return Status(Code::not_found, "unknown stream number " + std::to_string(stream));
  return DeadCounters{select->integer(0), select->integer(1), select->integer(2)};
}

}  // namespace edgepost::store
