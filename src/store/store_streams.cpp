#include <algorithm>
#include <utility>

#include "store/consumer_state.hpp"
#include "store/store.hpp"

namespace edgepost::store {
namespace {

std::string lines(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts)
    joined += text + "\n";
  return joined;
}

std::vector<std::string> split_lines(std::string_view joined) {
  std::vector<std::string> texts;
  for (std::size_t end = 0; (end = joined.find('\n')) != std::string_view::npos;) {
    texts.emplace_back(joined.substr(0, end));
    joined.remove_prefix(end + 1);
  }
  return texts;
}

// The columns of edgepost_stream behind id, in the order in which read_options() finds them.
constexpr std::string_view kColumns =
    "name, filters, retention, discard, max_bytes, max_events, max_age, max_per_key, priority";

void bind_options(Statement& statement, const StreamOptions& options, const std::string& filters) {
  statement.bind_text(1, options.name);
  statement.bind_text(2, filters);
  statement.bind(3, static_cast<std::uint64_t>(options.retention));
  statement.bind(4, static_cast<std::uint64_t>(options.discard));
  statement.bind(5, options.max_bytes);
  statement.bind(6, options.max_events);
  statement.bind(7, std::int64_t{options.max_age.count()});
  statement.bind(8, std::uint64_t{options.max_per_key});
  statement.bind(9, std::int64_t{options.priority});
}

StreamOptions read_options(const Statement& row, int column) {
  StreamOptions options;
  options.name = row.bytes(column);
  options.filters = split_lines(row.bytes(column + 1));
  // A file may have any number here; what is none of ours is read as the last one of ours.
  options.retention = static_cast<Retention>(std::min<std::uint64_t>(row.integer(column + 2), 2));
  options.discard = static_cast<Discard>(std::min<std::uint64_t>(row.integer(column + 3), 1));
  options.max_bytes = row.integer(column + 4);
  options.max_events = row.integer(column + 5);
  options.max_age = Duration(static_cast<std::int64_t>(row.integer(column + 6)));
  options.max_per_key = static_cast<std::uint32_t>(row.integer(column + 7));
  options.priority = static_cast<int>(row.integer(column + 8));
  return options;
}

Status run(Connection& connection, std::string_view sql, std::uint64_t id) {
  Result<Statement> statement = connection.prepare(sql);
  if (!statement) return statement.status();
  statement->bind(1, id);
  return connection.step(*statement).status();
}

// A number that no stream and no consumer of this database ever had.
Result<std::uint32_t> new_id(Connection& connection) {
  const Result<std::int64_t> id = connection.integer(
      "UPDATE edgepost_meta SET next_id = 1 + max(next_id,"
      " (SELECT coalesce(max(id), 0) + 1 FROM edgepost_stream),"
      " (SELECT coalesce(max(id), 0) + 1 FROM edgepost_consumer)) RETURNING next_id - 1");
  if (!id) return id.status();
  return static_cast<std::uint32_t>(*id);
}

}  // namespace

// Called once by an owner; by a reader each time it wants to see what the owner did meanwhile.
Status Store::load_streams() {
  Result<Statement> select =
      reader_->prepare("SELECT id, requeued, redelivered, purged, " + std::string(kColumns) +
                       " FROM edgepost_stream ORDER BY id");
  if (!select) return select.status();
  const std::lock_guard lock(streams_mutex_);
  std::vector<std::unique_ptr<StreamLog>> known = std::exchange(streams_, {});
  Status status;
  while (status.is_ok()) {
    const Result<bool> row = reader_->step(*select);
    if (!row) status = row.status();
    if (!row || !*row) break;
    const auto id = static_cast<std::uint32_t>(select->integer(0));
    StreamOptions options = read_options(*select, 4);
    const auto place = std::find_if(known.begin(), known.end(), [id](const auto& stream) {
      return stream != nullptr && stream->id() == id;
    });
    streams_.push_back(place == known.end() ? std::make_unique<StreamLog>(id, options)
                                            : std::move(*place));
    StreamLog& stream = *streams_.back();
    stream.set_options(options);
    stream.set_dead_counters({select->integer(1), select->integer(2), select->integer(3)});
    status = stream.load(*reader_);
    if (status.is_ok()) status = load_consumers(stream);
  }
  for (auto& stream : known) {
    if (stream == nullptr) continue;
    if (status.is_ok()) stream->set_deleted(true);
    (status.is_ok() ? deleted_streams_ : streams_).push_back(std::move(stream));
  }
  return status;
}

Status Store::load_consumers(StreamLog& stream) {
  Result<Statement> select =
      reader_->prepare("SELECT id, name FROM edgepost_consumer WHERE stream_id = ?1 ORDER BY id");
  if (!select) return select.status();
  select->bind(1, std::uint64_t{stream.id()});
  std::vector<std::uint32_t> found;
  while (true) {
    const Result<bool> row = reader_->step(*select);
    if (!row) return row.status();
    if (!*row) break;
    found.push_back(static_cast<std::uint32_t>(select->integer(0)));
    const Floor floor = stream.stored_floor(found.back());
    const std::string name(select->bytes(1));
    if (const auto cursor = stream.cursor(name); cursor != nullptr && cursor->id == found.back()) {
      cursor->restore(floor);
    } else {
      stream.add_cursor(name, floor);
    }
  }
  for (const auto& cursor : stream.cursors()) {
    if (std::find(found.begin(), found.end(), cursor->id) == found.end()) {
      stream.remove_cursor(cursor->id);
    }
  }
  return {};
}

Result<StreamLog*> Store::stream(std::string_view name) {
  if (Status fresh = refresh(); !fresh.is_ok()) return fresh;
  const std::lock_guard lock(streams_mutex_);
  for (const auto& stream : streams_) {
    if (stream->name() == name) return stream.get();
  }
  return Status(Code::not_found, "unknown stream '" + std::string(name) + "'");
}

std::vector<StreamLog*> Store::streams() {
  const std::lock_guard lock(streams_mutex_);
  std::vector<StreamLog*> all;
  for (const auto& stream : streams_)
    all.push_back(stream.get());
  return all;
}

Status Store::create_stream(const StreamOptions& options) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  if (stream(options.name)) return {};
  std::unique_ptr<StreamLog> created;
  Status status = commit_alone([&](Commit&) -> Status {
    if (stream(options.name)) return {};  // another thread was first
    const Result<std::uint32_t> id = new_id(*writer_);
    if (!id) return id.status();
    Result<Statement> insert =
        writer_->prepare("INSERT INTO edgepost_stream (id, " + std::string(kColumns) +
                         ") VALUES (?10, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    if (!insert) return insert.status();
    const std::string filters = lines(options.filters);
    bind_options(*insert, options, filters);
    insert->bind(10, std::uint64_t{*id});
    if (const Result<bool> done = writer_->step(*insert); !done) return done.status();
    created = std::make_unique<StreamLog>(*id, options);
    return created->create(*writer_);
  });
  if (!status.is_ok() || created == nullptr) return status;
  const std::lock_guard lock(streams_mutex_);
  streams_.push_back(std::move(created));
  return {};
}

Status Store::change_stream(const StreamOptions& options) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  const Result<StreamLog*> found = stream(options.name);
  if (!found) return found.status();
  StreamLog& log = **found;
  const StreamOptions before = log.options();
  if (options.retention != before.retention) {
    return {Code::invalid_argument,
            "stream " + options.name + ": retention: fixed when the stream is created"};
  }
  return commit_alone([&](Commit& commit) -> Status {
    Result<Statement> update = writer_->prepare(
        "UPDATE edgepost_stream SET filters = ?2, retention = ?3, discard = ?4, max_bytes = ?5,"
        " max_events = ?6, max_age = ?7, max_per_key = ?8, priority = ?9 WHERE name = ?1");
    if (!update) return update.status();
    const std::string filters = lines(options.filters);
    bind_options(*update, options, filters);
    if (const Result<bool> done = writer_->step(*update); !done) return done.status();
    log.set_options(options);
    commit.on_rollback([&] { log.set_options(before); });
    commit.include(log);
    return {};
  });
}

Status Store::delete_stream(std::string_view name) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  const Result<StreamLog*> found = stream(name);
  if (!found) return found.status();
  StreamLog& log = **found;
  Status status = commit_alone([&](Commit& commit) -> Status {
    for (const auto& cursor : log.cursors()) {
      if (!cursor->is_open) continue;
      return {Code::busy, "stream " + log.name() + ": consumer '" + cursor->name + "' is open"};
    }
    const std::uint64_t id = log.id();
    for (const std::string_view sql : {"DELETE FROM edgepost_attempt WHERE consumer_id IN"
                                       " (SELECT id FROM edgepost_consumer WHERE stream_id = ?1)",
                                       "DELETE FROM edgepost_dead WHERE stream_id = ?1",
                                       "DELETE FROM edgepost_dead_group WHERE stream_id = ?1",
                                       "DELETE FROM edgepost_latest WHERE stream_id = ?1",
                                       "DELETE FROM edgepost_consumer WHERE stream_id = ?1",
                                       "DELETE FROM edgepost_stream WHERE id = ?1"}) {
      if (Status done = run(*writer_, sql, id); !done.is_ok()) return done;
    }
    // From now on nobody adds to it; what was buffered for it goes with it.
    log.set_deleted(true);
    commit.on_rollback([&log] { log.set_deleted(false); });
    commit.leave_out(log);
    return log.drop(*writer_);
  });
  if (!status.is_ok()) return status;
  const std::lock_guard lock(streams_mutex_);
  const auto place = std::find_if(streams_.begin(), streams_.end(),
                                  [&log](const auto& stream) { return stream.get() == &log; });
  // Whoever holds a pointer to it finds it deleted, not gone.
  deleted_streams_.push_back(std::move(*place));
  streams_.erase(place);
  return {};
}

Status Store::delete_consumer(std::string_view stream_name, std::string_view name) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  const Result<StreamLog*> found = stream(stream_name);
  if (!found) return found.status();
  StreamLog& log = **found;
  return commit_alone([&](Commit& commit) -> Status {
    const std::string who = "stream " + log.name() + ": consumer '" + std::string(name) + "'";
    const std::shared_ptr<Cursor> cursor = log.cursor(name);
    if (cursor == nullptr) return {Code::not_found, who + " is unknown"};
    if (cursor->is_open.exchange(true)) return {Code::busy, who + " is open"};
    commit.on_rollback([cursor] { cursor->is_open = false; });
    for (const std::string_view sql : {"DELETE FROM edgepost_attempt WHERE consumer_id = ?1",
                                       "DELETE FROM edgepost_consumer WHERE id = ?1"}) {
      if (Status done = run(*writer_, sql, cursor->id); !done.is_ok()) return done;
    }
    commit.include(log);
    log.plan_removal(cursor);
    return {};
  });
}

Result<Consumer> Store::consumer(std::string_view stream_name, const ConsumerOptions& options) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  const Result<StreamLog*> found = stream(stream_name);
  if (!found) return found.status();
  StreamLog& log = **found;
  const std::string& name = options.name;
  const Result<std::uint64_t> from = resolve(log, options.from);
  if (!from) return from.status();
  std::shared_ptr<Cursor> cursor;
  const auto create = [&](Commit& commit) -> Status {
    cursor = log.cursor(name);
    if (cursor != nullptr) return {};
    const auto others = log.cursors();
    if (log.options().retention == Retention::work_queue && !others.empty()) {
      return {Code::already_exists, "stream " + log.name() + ": a work queue has one consumer: '" +
                                        others.front()->name + "'"};
    }
    const Result<std::uint32_t> id = new_id(*writer_);
    if (!id) return id.status();
    Result<Statement> insert =
        writer_->prepare("INSERT INTO edgepost_consumer (id, stream_id, name) VALUES (?1, ?2, ?3)");
    if (!insert) return insert.status();
    insert->bind(1, std::uint64_t{*id});
    insert->bind(2, std::uint64_t{log.id()});
    insert->bind_text(3, name);
    if (const Result<bool> done = writer_->step(*insert); !done) return done.status();
    const StreamStatus now = log.status();
    Floor floor;
    floor.consumer = *id;
    floor.start = std::clamp<std::uint64_t>(*from, now.first_sequence, now.next_sequence);
    floor.floor = floor.start - 1;
    floor.changes = 1;
    cursor = log.add_cursor(name, floor);
    commit.on_rollback([&] { log.remove_cursor(cursor->id); });
    commit.include(log);
    return {};
  };
  if (Status status = commit_alone(create); !status.is_ok()) return status;
  if (cursor->is_open.exchange(true)) {
    return Status(Code::busy, "stream " + log.name() + ": consumer '" + name + "' is open already");
  }
  auto state = std::make_shared<Consumer::State>(*this, log, std::move(cursor), options);
  if (Status status = load_attempts(*state); !status.is_ok()) return status;
  const std::lock_guard lock(streams_mutex_);
  std::erase_if(consumers_, [](const auto& weak) { return weak.expired(); });
  consumers_.push_back(state);
  return Consumer(std::move(state));
}

// The sequence that a position means.
Result<std::uint64_t> Store::resolve(StreamLog& log, const Position& from) {
  if (!from.time) return from.sequence;
  ReadPosition position;
  position.next = log.status().first_sequence;
  constexpr int kLookedTogether = 1'000;  // then others may read
  while (true) {
    std::optional<std::uint64_t> found;
    int looked = 0;
    const Status status = walk(log, position, [&](Stored&& stored) {
      if (stored.event.time >= *from.time) found = stored.event.sequence;
      return !found && ++looked < kLookedTogether;
    });
    if (!status.is_ok()) return status;
    if (found) return *found;
    if (looked < kLookedTogether) return log.next_sequence();
  }
}

}  // namespace edgepost::store
