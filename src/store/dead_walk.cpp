#include "store/dead_walk.hpp"

#include <algorithm>
#include <utility>

#include "store/dead_letters.hpp"

namespace edgepost::store {
namespace {

constexpr std::size_t kCountRows = 256;  // looked at together

}  // namespace

Result<std::vector<DeadLetterGroup>> dead_letter_groups(Connection& connection,
                                                        const DeadLetterQuery& query) {
  Result<DeadWalk> walk = DeadWalk::begin(connection, query);
  if (!walk) return walk.status();
  if (!query.sequences.empty()) return walk->count(connection);
  Result<Statement> select = connection.prepare(
      "SELECT s.name, g.consumer, g.reason, g.dead, g.requeued FROM edgepost_dead_group g"
      " JOIN edgepost_stream s ON s.id = g.stream_id WHERE (?1 = '' OR s.name = ?1)"
      " AND (?2 = '' OR g.consumer = ?2) AND (?3 = '' OR g.reason = ?3)"
      " ORDER BY s.name, g.consumer, g.reason");
  if (!select) return select.status();
  select->bind_text(1, query.stream);
  select->bind_text(2, query.consumer);
  select->bind_text(3, query.reason);
  std::vector<DeadLetterGroup> groups;
  while (true) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) return groups;
    groups.push_back({std::string(select->bytes(0)), std::string(select->bytes(1)),
                      std::string(select->bytes(2)), select->integer(3), select->integer(4)});
  }
}

struct DeadWalk::Row {
  std::int64_t id;
  const Stream* stream;
  std::uint64_t sequence;
  std::string consumer;
  std::string reason;
  unsigned attempts;
  std::string first_error;
  std::string last_error;
  bool is_counted;
  bool is_requeued;
};

DeadWalk::DeadWalk(const DeadLetterQuery& query) : query_(query) {
  auto& wanted = query_.sequences;
  std::sort(wanted.begin(), wanted.end());
  wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
}

Result<DeadWalk> DeadWalk::begin(Connection& connection, const DeadLetterQuery& query) {
  DeadWalk walk(query);
  Result<Statement> select = connection.prepare(
      "SELECT id, name FROM edgepost_stream WHERE ?1 = '' OR name = ?1 ORDER BY name");
  if (!select) return select.status();
  select->bind_text(1, query.stream);
  while (true) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    walk.streams_.push_back(
        {static_cast<std::uint32_t>(select->integer(0)), std::string(select->bytes(1))});
  }
  if (walk.streams_.empty() && !query.stream.empty()) {
    return Status(Code::not_found, "unknown stream '" + query.stream + "'");
  }
  return walk;
}

// Goes on to the next sequence asked for, or to the next stream.
void DeadWalk::skip_range() {
  last_sequence_ = 0;
  last_consumer_.clear();
  if (++sequence_ < query_.sequences.size()) return;
  sequence_ = 0;
  ++stream_;
}

// The next rows, without their events: many of those would not fit in memory.
Status DeadWalk::next(Connection& connection, std::size_t count, std::vector<Row>& rows) {
  Result<Statement> select = connection.prepare(
      "SELECT id, sequence, consumer, reason, attempts, first_error, last_error, is_counted,"
      " is_requeued FROM edgepost_dead WHERE stream_id = ?1 AND sequence <= ?2"
      " AND (sequence, consumer) > (?3, ?4) AND (?5 = '' OR consumer = ?5)"
      " AND (?6 = '' OR reason = ?6) ORDER BY sequence, consumer");
  if (!select) return select.status();
  for (; !is_over(); skip_range()) {
    const Stream& stream = streams_[stream_];
    const std::vector<std::uint64_t>& wanted = query_.sequences;
    const std::uint64_t to =
        wanted.empty() ? kSequenceMax : std::min(wanted[sequence_], kSequenceMax);
    const std::uint64_t first = wanted.empty() ? 0 : to;
    const std::string last_consumer = last_consumer_;  // empty, at first: before every other
    StatementUse row(*select);
    row->bind(1, std::int64_t{stream.id});
    row->bind(2, to);
    row->bind(3, std::max(last_sequence_, first));
    row->bind_text(4, last_consumer);
    row->bind_text(5, query_.consumer);
    row->bind_text(6, query_.reason);
    while (true) {
      if (rows.size() == count) return {};
      const Result<bool> found = connection.step(*select);
      if (!found) return found.status();
      if (!*found) break;
      rows.push_back({static_cast<std::int64_t>(row->integer(0)), &stream, row->integer(1),
                      std::string(row->bytes(2)), std::string(row->bytes(3)),
                      static_cast<unsigned>(row->integer(4)), std::string(row->bytes(5)),
                      std::string(row->bytes(6)), row->integer(7) != 0, row->integer(8) != 0});
      last_sequence_ = rows.back().sequence;
      last_consumer_ = rows.back().consumer;
    }
  }
  return {};
}

Result<Stored> DeadWalk::read(Connection& connection, const Row& row) {
  Result<Statement> select = connection.prepare("SELECT data FROM edgepost_dead WHERE id = ?1");
  if (!select) return select.status();
  select->bind(1, row.id);
  if (const Result<bool> found = connection.step(*select); !found) return found.status();
  Result<Stored> event = unpack_dead(select->bytes(0), row.stream->id, row.sequence);
  if (event) return event;
  damage_ = {event.status().code(), "dead letter of stream " + row.stream->name + ", sequence " +
                                        std::to_string(row.sequence) + ": " +
                                        event.status().message()};
  return damage_;
}

Status DeadWalk::list(Connection& connection, const Anchors& anchors, std::size_t count,
                      std::vector<DeadLetter>& letters) {
  std::vector<Row> rows;
  if (Status status = next(connection, count, rows); !status.is_ok()) return status;
  for (Row& row : rows) {
    Result<Stored> event = read(connection, row);
    if (!event && event.status().code() == Code::io_error) return event.status();
    if (!event) continue;
    anchors.correct(*event);
    letters.push_back({row.stream->name, std::move(row.consumer), std::move(event->event),
                       std::move(row.reason), row.attempts, std::move(row.first_error),
                       std::move(row.last_error), row.is_requeued});
  }
  return {};
}

Result<std::uint64_t> DeadWalk::requeue(Connection& connection, std::size_t count) {
  std::vector<Row> rows;
  if (Status status = next(connection, count, rows); !status.is_ok()) return status;
  Result<Statement> update =
      connection.prepare("UPDATE edgepost_dead SET is_requeued = 1 WHERE id = ?1");
  if (!update) return update.status();
  DeadChanges changes;
  std::uint64_t requeued = 0;
  for (const Row& row : rows) {
    if (row.is_requeued) continue;
    if (const Result<Stored> event = read(connection, row); !event) {
      if (event.status().code() == Code::io_error) return event.status();
      continue;  // its consumer could not read it either
    }
    StatementUse use(*update);
    use->bind(1, row.id);
    if (const auto done = connection.step(*update); !done) return done.status();
    DeadChange& change = changes.of(row.stream->id, row.consumer, row.reason);
    --change.dead;
    ++change.requeued;
    if (row.is_counted) ++change.counted_requeued;
    ++requeued;
  }
  if (Status status = changes.write(connection); !status.is_ok()) return status;
  return requeued;
}

Result<std::uint64_t> DeadWalk::purge(Connection& connection, std::size_t count) {
  std::vector<Row> rows;
  if (Status status = next(connection, count, rows); !status.is_ok()) return status;
  Result<Statement> remove = connection.prepare("DELETE FROM edgepost_dead WHERE id = ?1");
  if (!remove) return remove.status();
  DeadChanges changes;
  for (const Row& row : rows) {
    StatementUse use(*remove);
    use->bind(1, row.id);
    if (const auto done = connection.step(*remove); !done) return done.status();
    DeadChange& change = changes.of(row.stream->id, row.consumer, row.reason);
    --(row.is_requeued ? change.requeued : change.dead);
    if (!row.is_counted) continue;
    ++change.purged;
    if (row.is_requeued) --change.counted_requeued;
  }
  if (Status status = changes.write(connection); !status.is_ok()) return status;
  return std::uint64_t{rows.size()};
}

Result<std::vector<DeadLetterGroup>> DeadWalk::count(Connection& connection) {
  std::vector<DeadLetterGroup> groups;
  while (!is_over()) {
    std::vector<Row> rows;
    if (Status status = next(connection, kCountRows, rows); !status.is_ok()) return status;
    for (const Row& row : rows) {
      auto group = std::find_if(groups.begin(), groups.end(), [&row](const auto& known) {
        return known.stream == row.stream->name && known.consumer == row.consumer &&
               known.reason == row.reason;
      });
      if (group == groups.end()) {
        group = groups.insert(group, {row.stream->name, row.consumer, row.reason, 0, 0});
      }
      ++(row.is_requeued ? group->requeued : group->dead);
    }
  }
  return groups;
}

}  // namespace edgepost::store
