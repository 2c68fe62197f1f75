// How a store comes to its database: who may open it, what is wrong with it, and what is done then.
#include <algorithm>
#include <utility>

#include "store/fingerprint.hpp"
#include "store/store.hpp"

namespace edgepost::store {
namespace {

// Reading more than this takes too long on an SD card to be done at every start after a power cut.
constexpr std::int64_t kWholeCheckBytes = 16 * 1024 * 1024;

Status quick_check(Connection& connection, const std::string& argument) {
  Result<Statement> check = connection.prepare("PRAGMA quick_check(" + argument + ")");
  if (!check) return check.status();
  const Result<bool> row = connection.step(*check);
  if (!row) return row.status();
  const std::string found(*row ? check->bytes(0) : std::string_view("ok"));
  if (found == "ok") return {};
  return {Code::corrupt, "database " + connection.path() + ": " + found};
}

// The oldest and the newest segment: where the next write and the next trim go.
Status check_ends(Connection& connection, std::uint32_t stream) {
  const std::string select =
      "SELECT last_seq, count, data FROM " + segment_table_name(stream) + " ORDER BY last_seq";
  for (const char* order : {" LIMIT 2", " DESC LIMIT 1"}) {
    Result<Statement> ends = connection.prepare(select + order);
    if (!ends) return ends.status();
    while (true) {
      const Result<bool> row = connection.step(*ends);
      if (!row) return row.status();
      if (!*row) break;
    }
  }
  return {};
}

Status check_parts(Connection& connection) {
  Result<Statement> tables = connection.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE 'edgepost\\_%' ESCAPE '\\'"
      " AND name NOT LIKE 'edgepost\\_segment\\_%' ESCAPE '\\' AND name <> 'edgepost_dead'");
  if (!tables) return tables.status();
  while (true) {
    const Result<bool> row = connection.step(*tables);
    if (!row) return row.status();
    if (!*row) break;
    Status status = quick_check(connection, std::string(tables->bytes(0)));
    if (!status.is_ok()) return status;
  }
  Result<Statement> streams = connection.prepare("SELECT id FROM edgepost_stream");
  if (!streams) return streams.status();
  while (true) {
    const Result<bool> row = connection.step(*streams);
    if (!row) return row.status();
    if (!*row) return {};
    const Status status = check_ends(connection, static_cast<std::uint32_t>(streams->integer(0)));
    if (!status.is_ok()) return status;
  }
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const GatewayOptions& options, StoreListener listener) {
  return open(options, std::move(listener), false);
}

Result<DamageReport> Store::repair(const GatewayOptions& options) {
  const Result<Files> files = Files::beside(options.database, options.platform.vfs);
  if (!files) return files.status();
  const Result<bool> is_there = files->exists(files->path(""));
  const Result<bool> is_begun = is_salvage_begun(*files);
  if (!is_there) return is_there.status();
  if (!is_begun) return is_begun.status();
  if (!*is_there && !*is_begun) {
    return Status(Code::not_found, "database " + options.database + ": does not exist");
  }
  StoreListener nobody;
  nobody.on_stored = [](const StreamLog&) {};
  nobody.on_due = [] {};
  nobody.on_dropped = [](const StreamLog&, const Dropped&) {};
  const auto store = open(options, std::move(nobody), true);
  if (!store) return store.status();
  return (*store)->damage_.value_or(DamageReport());
}

Result<std::unique_ptr<Store>> Store::open(const GatewayOptions& options, StoreListener listener,
                                           bool is_repair) {
  std::unique_ptr<Store> store(new Store(options, std::move(listener)));
  Status status = store->open_whole();
  if (is_repair && status.is_ok()) status = store->verify_all();
  // Whoever owns a damaged database is the one to mend it; everybody else is told.
  if (status.code() == Code::corrupt && store->owner_ != nullptr) {
    status = store->salvage_all(status);
    if (status.is_ok()) status = store->open_whole();
  }
  if (!status.is_ok()) return status;
  if (store->owner_ != nullptr) {
    // Before the first stamp, which says whether the reserve is there.
    if (status = store->room_->make_reserve(); !status.is_ok()) return status;
    if (status = store->begin_life(); !status.is_ok()) return status;
    if (store->room_->is_reserve_used()) store->leave_stamp();
  }
  store->is_loaded_ = true;
  return store;
}

Status Store::verify_all() {
  const Result<VerifyReport> report = verify();
  if (!report) return report.status();
  return report->problems.empty() ? Status() : Status(Code::corrupt, report->problems.front());
}

Status Store::open_whole() {
  if (Status status = open_connections(); !status.is_ok()) return status;
  const Result<Identity> identity = read_identity(*reader_);
  if (!identity) return identity.status();
  identity_ = *identity;
  return load_streams();
}

Status Store::open_connections() {
  if (meter_ == nullptr) {
    Result<std::unique_ptr<Meter>> meter = Meter::make(options_.platform.vfs);
    if (!meter) return meter.status();
    meter_ = std::move(*meter);
  }
  if (!is_read_only()) {
    Status status = open_writer();
    // On a full disk there is not even room for the shared memory of the log.
    if (writer_ && writer_->has_met_full_disk() &&
        Reserve(*writer_, options_.reserve_bytes).release()) {
      status = open_writer();
    }
    if (!status.is_ok()) return status;
  }
  Result<Connection> reader =
      Connection::open(options_.database, vfs(), Connection::Mode::read_only);
  if (!reader) return reader.status();
  reader_ = std::move(*reader);
  if (Status status = check_schema(*reader_, true); !status.is_ok()) return status;
  if (!is_read_only()) return {};
  const Result<SchemaDifference> difference = compare_schema(*reader_);
  if (!difference) return difference.status();
  if (difference->strange.empty() && difference->broken.empty()) return {};
  return {Code::corrupt, "database " + options_.database + ": differs from what edgepost makes: " +
                             (difference->strange.empty() ? difference->broken.front()
                                                          : difference->strange.front())};
}

Status Store::open_writer() {
  const std::string& path = options_.database;
  room_.reset();
  Result<Connection> writer = Connection::open(path, vfs(), Connection::Mode::read_write);
  if (!writer) return writer.status();
  writer_ = std::move(*writer);
  // A stranger's file is left alone: nothing is created beside it.
  Status damage;
  if (Status status = examine(damage); !status.is_ok()) return status;
  if (owner_ == nullptr) {
    Result<std::unique_ptr<Owner>> owner = Owner::take(path, vfs());
    if (!owner) return owner.status();
    owner_ = std::move(*owner);
  }
  const Result<Files> files = Files::beside(path, vfs());
  if (!files) return files.status();
  const Result<bool> is_begun = is_salvage_begun(*files);
  if (!is_begun) return is_begun.status();
  if (*is_begun) {
    return {Code::corrupt, "database " + path + ": a power cut interrupted its salvage"};
  }
  if (!damage.is_ok()) return damage;
  find_stamp(*writer_);
  Status status = check_unclean(*writer_);
  if (status.is_ok()) status = keep_lost_tails();
  if (status.is_ok()) status = migrate(*writer_, *options_.platform.random);
  if (status.is_ok()) status = mark_lost_tails();
  if (!status.is_ok()) return status;
  Result<Statement> query = writer_->prepare("PRAGMA data_version");
  if (!query) return query.status();
  data_version_query_ = std::move(*query);
  const Result<std::uint64_t> version = data_version();
  if (!version) return version.status();
  data_version_ = *version;
  room_.emplace(
      *writer_, *options_.platform.clock,
      Room::Limits{options_.disk_bytes_max, options_.reserve_bytes, options_.group_bytes_max});
  return {};
}

// Fails where the file is not ours or holds what a stranger has planted. What only a salvage helps
// against goes into `damage`: rot adds no object to a schema, but it can change what stands there.
Status Store::examine(Status& damage) {
  const Result<Files> files = Files::beside(options_.database, vfs());
  if (!files) return files.status();
  const Status schema = check_schema(*writer_, false);
  const Result<bool> has_owner = files->exists(files->path("-owner"));
  if (!has_owner) return has_owner.status();
  const bool is_ours = schema.is_ok() || *has_owner;
  const bool is_damage = schema.code() == Code::corrupt;
  const bool may_be_damage = schema.code() == Code::invalid_argument;  // another program's mark
  if (!schema.is_ok() && (!is_ours || (!is_damage && !may_be_damage))) return schema;
  if (is_damage) {
    damage = schema;
    return {};
  }
  const std::string where = "database " + options_.database + ": ";
  const Result<SchemaDifference> difference = compare_schema(*writer_);
  if (!difference) {
    if (difference.status().code() != Code::corrupt) return difference.status();
    damage = difference.status();
  } else if (!schema.is_ok()) {
    // Everything is as ours, only the number that says so is not.
    if (!difference->broken.empty() || !difference->strange.empty()) return schema;
    damage = {Code::corrupt, where + "its header is damaged"};
  } else if (!difference->broken.empty()) {
    damage = {Code::corrupt, where + difference->broken.front() + " is missing or was changed"};
  } else if (!difference->strange.empty()) {
    return {Code::corrupt, where + "has a " + difference->strange.front() +
                               " that edgepost did not make: remove it"};
  }
  return {};
}

void Store::find_stamp(Connection& connection) {
  found_stamp_.reset();
  Result<Identity> identity = read_identity(connection);
  if (!identity) return;
  found_stamp_ = owner_->stamp(life_of(*identity));
  ++identity->incarnation;  // an owner that was killed while it began
  if (!found_stamp_) found_stamp_ = owner_->stamp(life_of(*identity));
}

Status Store::check_unclean(Connection& connection) {
  if (found_stamp_ && found_stamp_->is_clean) return {};
  const Result<std::int64_t> pages = connection.integer("PRAGMA page_count");
  if (!pages || *pages == 0) return pages.status();
  const Result<std::int64_t> bytes =
      connection.integer("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
  if (!bytes) return bytes.status();
  return *bytes <= kWholeCheckBytes ? quick_check(connection, "1") : check_parts(connection);
}

// An empty file is a new database, unless its owner had stored events in it.
Status Store::refuse_emptied() {
  const Result<std::int64_t> pages = writer_->integer("PRAGMA page_count");
  if (!pages) return pages.status();
  const auto stamp = owner_->last_stamp();
  const auto has_events = [](const auto& mark) { return mark.second > 0; };
  if (*pages > 0 || !stamp || std::none_of(stamp->marks.begin(), stamp->marks.end(), has_events)) {
    return {};
  }
  return {Code::corrupt, "database " + options_.database +
                             ": is empty, and its owner file knows of events (who wants to begin"
                             " anew deletes all files whose names begin so)"};
}

// Before the log is carried over into the file: what is left of it is evidence.
Status Store::keep_lost_tails() {
  lost_tails_.clear();
  if (!found_stamp_) return refuse_emptied();
  Result<std::vector<Lost>> tails = find_lost_tails(*writer_, *found_stamp_);
  if (!tails) return tails.status();
  lost_tails_ = std::move(*tails);
  if (lost_tails_.empty()) return {};
  const Result<Files> files = Files::beside(options_.database, vfs());
  if (!files) return files.status();
  DamageReport report;
  const std::string log = files->path("-wal");
  const Result<bool> has_log = files->exists(log);
  if (!has_log) return has_log.status();
  if (*has_log) {
    const Result<std::string> unused = unused_evidence(*files);
    if (!unused) return unused.status();
    report.set_aside = *unused + "-wal";
    if (Status status = files->copy(log, report.set_aside); !status.is_ok()) return status;
  }
  for (const Lost& tail : lost_tails_) {
    const std::uint64_t count = tail.last - tail.first + 1;
    report.events_lost += count;
    report.problems.push_back("stream number " + std::to_string(tail.stream) +
                              ": the log has lost its tail, " + std::to_string(count) +
                              " events from sequence " + std::to_string(tail.first) + " on");
  }
  report_damage(std::move(report));
  return {};
}

Status Store::mark_lost_tails() {
  if (lost_tails_.empty()) return {};
  WriteTransaction transaction(*writer_);
  Status status = transaction.begin();
  for (const Lost& tail : lost_tails_) {
    if (status.is_ok()) status = insert_lost(*writer_, tail);
  }
  return status.is_ok() ? transaction.commit() : status;
}

Status Store::salvage_all(const Status& why) {
  data_version_query_ = {};
  room_.reset();
  writer_.reset();
  reader_.reset();
  streams_.clear();
  const Result<Files> files = Files::beside(options_.database, vfs());
  if (!files) return files.status();
  Result<DamageReport> report = salvage(*files, vfs(), *owner_, *options_.platform.random);
  if (!report) return report.status();
  report->problems.insert(report->problems.begin(), why.message());
  report_damage(std::move(*report));
  return {};
}

}  // namespace edgepost::store
