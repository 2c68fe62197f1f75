#include "store/store.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/event_weight.hpp"
#include "store/consumer_state.hpp"
#include "store/fingerprint.hpp"

namespace edgepost::store {
Store::Store(const GatewayOptions& options, StoreListener listener)
    : options_(options),
      listener_(std::move(listener)),
      claims_(options.claims_max),
      queue_(options.group_bytes_max) {}

Result<std::unique_ptr<Store>> Store::open(const GatewayOptions& options, StoreListener listener) {
  std::unique_ptr<Store> store(new Store(options, std::move(listener)));
  Status status = store->open_connections();
  if (!status.is_ok()) return status;
  const Result<Identity> identity = read_identity(*store->reader_);
  if (!identity) return identity.status();
  store->identity_ = *identity;
  if (status = store->load_streams(); !status.is_ok()) return status;
  if (store->owner_ != nullptr) {
    if (status = store->begin_life(); !status.is_ok()) return status;
  }
  return store;
}

namespace {

Status refuse_strange_schema(Connection& connection) {
  const Result<SchemaDifference> difference = compare_schema(connection);
  if (!difference) return difference.status();
  if (difference->strange.empty()) return {};
  return {Code::corrupt, "database " + connection.path() + ": has a " +
                             difference->strange.front() +
                             " that edgepost did not make: remove it"};
}

}  // namespace

Status Store::open_connections() {
  const std::string& path = options_.database;
  Result<std::unique_ptr<Meter>> meter = Meter::make(options_.platform.vfs);
  if (!meter) return meter.status();
  meter_ = std::move(*meter);
  if (!is_read_only()) {
    Result<Connection> writer = Connection::open(path, vfs(), Connection::Mode::read_write);
    if (!writer) return writer.status();
    writer_ = std::move(*writer);
    // A stranger's file is left alone: nothing is created beside it.
    if (Status status = check_schema(*writer_, false); !status.is_ok()) return status;
    if (Status status = refuse_strange_schema(*writer_); !status.is_ok()) return status;
    Result<std::unique_ptr<Owner>> owner = Owner::take(path, vfs());
    if (!owner) return owner.status();
    owner_ = std::move(*owner);
    Status status = migrate(*writer_, *options_.platform.random);
    if (!status.is_ok()) return status;
    Result<Statement> query = writer_->prepare("PRAGMA data_version");
    if (!query) return query.status();
    data_version_query_ = std::move(*query);
    const Result<std::uint64_t> version = data_version();
    if (!version) return version.status();
    data_version_ = *version;
  }
  Result<Connection> reader = Connection::open(path, vfs(), Connection::Mode::read_only);
  if (!reader) return reader.status();
  reader_ = std::move(*reader);
  Status status = check_schema(*reader_, true);
  return status.is_ok() && is_read_only() ? refuse_strange_schema(*reader_) : status;
}

// Called once by an owner; by a reader each time it wants to see what the owner did meanwhile.
Status Store::load_streams() {
  Result<Statement> select = reader_->prepare(
      "SELECT s.id, s.name, c.id, c.name FROM edgepost_stream s"
      " LEFT JOIN edgepost_consumer c ON c.stream_id = s.id ORDER BY s.id, c.id");
  if (!select) return select.status();
  const std::lock_guard lock(streams_mutex_);
  std::size_t known = 0;  // streams are only ever added, in the order of their ids
  while (true) {
    const Result<bool> row = reader_->step(*select);
    if (!row) return row.status();
    if (!*row) return {};
    const auto id = static_cast<std::uint32_t>(select->integer(0));
    if (known == 0 || streams_[known - 1]->id() != id) {
      if (known == streams_.size()) {
        streams_.push_back(std::make_unique<StreamLog>(id, std::string(select->bytes(1))));
      }
      if (Status status = streams_[known++]->load(*reader_); !status.is_ok()) return status;
    }
    const auto consumer = static_cast<std::uint32_t>(select->integer(2));
    if (consumer == 0) continue;
    StreamLog& stream = *streams_[known - 1];
    const std::string name(select->bytes(3));
    const Floor floor = stream.stored_floor(consumer);
    if (const auto cursor = stream.cursor(name)) {
      cursor->restore(floor);
    } else {
      stream.add_cursor(name, floor);
    }
  }
}

// Takes over what the owner before had reached when it was killed, and begins a life of its own:
// first the notes, then the count, so that a kill in between loses neither.
Status Store::begin_life() {
  std::map<std::uint32_t, std::uint64_t> floors;
  const std::uint64_t before = life_of(identity_);
  ++identity_.incarnation;
  const std::uint64_t now = life_of(identity_);
  for (const auto& stream : streams_) {
    for (const auto& cursor : stream->cursors()) {
      for (const std::uint64_t life : {before, now}) {
        const std::uint64_t floor = owner_->noted(cursor->id, life);
        if (floor > cursor->floor() && floor < stream->next_sequence()) cursor->raise(floor);
      }
      floors[cursor->id] = cursor->floor();
    }
  }
  found_stamp_ = owner_->stamp(before);
  if (!found_stamp_) found_stamp_ = owner_->stamp(now);
  const Result<Duration> newest = newest_life();
  if (!newest) return newest.status();
  std::optional<LifeClock::Mark> mark;
  if (found_stamp_) mark = {found_stamp_->lived, found_stamp_->boot};
  life_.emplace(*options_.platform.clock, *newest, mark);
  Status status = owner_->begin_notes(floors, now);
  leave_stamp();
  if (status.is_ok()) status = count_opening(*writer_);
  // On a full disk it must still be possible to drain; the next owner knows both counts.
  return status.code() == Code::full ? Status() : status;
}

WriteStatus Store::writes() const {
  if (!is_read_only()) return {commits_, events_, meter_->bytes(), meter_->syncs()};
  const std::optional<Stamp> stamp = Owner::stamp(options_.database, vfs(), life_of(identity_));
  return stamp ? stamp->writes : WriteStatus{};
}

// A segment that is damaged tells nothing; whoever reads it will say so.
Result<Duration> Store::newest_life() {
  Duration newest = Duration::zero();
  for (const auto& stream : streams_) {
    Result<Statement> select =
        reader_->prepare("SELECT last_seq, count, data FROM " + segment_table_name(stream->id()) +
                         " ORDER BY last_seq DESC LIMIT 1");
    if (!select) return select.status();
    const Result<bool> row = reader_->step(*select);
    if (!row) return row.status();
    const auto segment = SegmentReader::open(std::string(select->bytes(2)), stream->id(),
                                             select->integer(0), select->integer(1));
    if (segment) newest = std::max(newest, segment->moment().life);
  }
  return newest;
}

Moment Store::moment() const { return {.life = life_now()}; }

// Behind a commit, never before: what it says is in the database.
void Store::leave_stamp() {
  Stamp stamp;
  stamp.boot = options_.platform.clock->since_boot();
  stamp.writes = writes();
  stamp.lived = life_->at(stamp.boot);
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_)
      stamp.marks[stream->id()] = stream->next_sequence() - 1;
  }
  owner_->leave(stamp, life_of(identity_));
}

Status Store::refresh() {
  if (!is_read_only()) return {};
  const std::lock_guard lock(read_mutex_);
  return load_streams();
}

Store::~Store() {
  const bool is_open = life_.has_value();  // as owner, and not failed on the way
  if (is_open) {
    if (const Status status = flush(); !status.is_ok()) {
      options_.platform.logger->write(LogLevel::error, "store",
                                      "closing: what was buffered is lost: " + status.message());
    }
  }
  const std::lock_guard lock(streams_mutex_);
  for (const auto& weak : consumers_) {
    if (const auto consumer = weak.lock()) {
      const std::lock_guard consumer_lock(consumer->mutex);
      consumer->store = nullptr;
      consumer->position.segment.reset();
    }
  }
}

Status Store::refuse_if_read_only() const {
  if (!is_read_only()) return {};
  return {Code::wrong_state, "database " + options_.database + ": opened for reading only"};
}

Status Store::create_stream(std::string_view name) {
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  if (stream(name)) return {};
  std::unique_ptr<StreamLog> created;
  Status status = commit_alone([&](Commit&) -> Status {
    if (stream(name)) return {};  // another thread was first
    Result<Statement> insert = writer_->prepare("INSERT INTO edgepost_stream (name) VALUES (?1)");
    if (!insert) return insert.status();
    insert->bind_text(1, name);
    if (const Result<bool> done = writer_->step(*insert); !done) return done.status();
    const auto id = static_cast<std::uint32_t>(sqlite3_last_insert_rowid(writer_->handle()));
    created = std::make_unique<StreamLog>(id, std::string(name));
    return created->create(*writer_);
  });
  if (!status.is_ok() || created == nullptr) return status;
  const std::lock_guard lock(streams_mutex_);
  streams_.push_back(std::move(created));
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

Result<Consumer> Store::consumer(std::string_view stream_name, const ConsumerOptions& options) {
  const std::string& name = options.name;
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  const Result<StreamLog*> found = stream(stream_name);
  if (!found) return found.status();
  StreamLog& log = **found;
  std::shared_ptr<Cursor> cursor;
  bool is_new = false;
  Status status = commit_alone([&](Commit& commit) -> Status {
    cursor = log.cursor(name);
    if (cursor != nullptr) return {};
    Result<Statement> insert =
        writer_->prepare("INSERT INTO edgepost_consumer (stream_id, name) VALUES (?1, ?2)");
    if (!insert) return insert.status();
    insert->bind(1, std::uint64_t{log.id()});
    insert->bind_text(2, name);
    if (const Result<bool> done = writer_->step(*insert); !done) return done.status();
    const auto id = static_cast<std::uint32_t>(sqlite3_last_insert_rowid(writer_->handle()));
    const StreamStatus now = log.status();
    const std::uint64_t start =
        std::clamp<std::uint64_t>(options.from.sequence, now.first_sequence, now.next_sequence);
    cursor = log.add_cursor(
        name, {.consumer = id, .start = start, .floor = start - 1, .runs = {}, .changes = 1});
    is_new = true;
    commit.include(log);
    return {};
  });
  if (!status.is_ok()) {
    if (is_new) log.remove_cursor(name);
    return status;
  }
  if (cursor->is_open.exchange(true)) {
    return Status(Code::busy, "stream " + log.name() + ": consumer '" + name + "' is open already");
  }
  auto state = std::make_shared<Consumer::State>(*this, log, std::move(cursor));
  const std::lock_guard lock(streams_mutex_);
  std::erase_if(consumers_, [](const auto& weak) { return weak.expired(); });
  consumers_.push_back(state);
  return Consumer(std::move(state));
}

Status Store::read(StreamLog& stream, ReadPosition& position, const ReadLimits& limits,
                   const std::function<bool(std::uint64_t)>& skip, std::vector<Event>& events) {
  const std::lock_guard lock(read_mutex_);
  std::size_t bytes = 0;
  while (events.size() < std::max<std::size_t>(limits.events, 1) &&
         (events.empty() || bytes < limits.bytes)) {
    Result<std::optional<Stored>> stored = stream.read(*reader_, position);
    if (!stored) return stored.status();
    if (!stored->has_value()) break;
    Event& event = stored->value().event;
    if (skip(event.sequence)) continue;
    bytes += weight(event);
    events.push_back(std::move(event));
  }
  return {};
}

Status Store::fill(GatewayStatus& status) {
  if (Status fresh = refresh(); !fresh.is_ok()) return fresh;
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_)
      status.streams.push_back(stream->status());
  }
  std::sort(status.streams.begin(), status.streams.end(),
            [](const StreamStatus& a, const StreamStatus& b) { return a.name < b.name; });
  status.owner_pid = owner_pid();
  status.incarnation = identity_.incarnation;
  status.writes = writes();
  const std::lock_guard lock(read_mutex_);
  const Result<std::int64_t> pages = reader_->integer("PRAGMA page_count");
  const Result<std::int64_t> page = reader_->integer("PRAGMA page_size");
  if (!pages) return pages.status();
  if (!page) return page.status();
  status.database_bytes = static_cast<std::uint64_t>(*pages * *page);
  return {};
}

}  // namespace edgepost::store
