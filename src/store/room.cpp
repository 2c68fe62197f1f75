#include "store/room.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace edgepost::store {
namespace {

constexpr std::uint64_t kPageBytes = 4096;
constexpr std::uint64_t kFrameBytes = kPageBytes + 24;  // a page in the log
constexpr int kLogPages = 250;     // a log of 1 MiB: checkpoints inside a commit stay short
constexpr int kLogPagesFull = 32;  // on a full disk: the log grows into what is left
constexpr std::uint64_t kCommitBytes = 8 * kPageBytes;  // books, tree and last pages of segments
constexpr std::uint64_t kMarginBytes = 16 * kPageBytes;
constexpr Duration kFirstPatience = std::chrono::seconds(10);
// A try on a disk that is still full writes most of the reserve for nothing.
constexpr Duration kLastPatience = std::chrono::minutes(10);

int remember_log(void* log_pages, sqlite3*, const char*, int pages) {
  *static_cast<int*>(log_pages) = pages;
  return SQLITE_OK;
}

}  // namespace

Room::Room(Connection& writer, const Clock& clock, const Limits& limits)
    : writer_(writer), clock_(clock), limits_(limits), reserve_(writer, limits.reserve_bytes) {
  sqlite3_wal_hook(writer.handle(), remember_log, &log_pages_);
  update_limits();
}

Room::~Room() { sqlite3_wal_hook(writer_.handle(), nullptr, nullptr); }

void Room::update_limits() {
  is_reserve_used_ = reserve_.is_missing();
  is_limited_ = is_reserve_used_ || limits_.disk_bytes_max > 0;
  budget_ = 0;
}

// Keeps what a full disk refuses from being tried, and written, over and over.
bool Room::may_try() {
  const Instant now = clock_.now();
  if (now < next_try_) return false;
  patience_ = std::clamp(patience_ * 2, kFirstPatience, kLastPatience);
  next_try_ = now + patience_;
  return true;
}

Status Room::make_reserve() {
  Status status = reserve_.make();
  if (status.is_ok()) patience_ = {};
  update_limits();
  return status.code() == Code::full ? Status() : status;
}

Result<Room::Extent> Room::extent() {
  if (!pages_query_.is_prepared()) {
    Result<Statement> pages = writer_.prepare("PRAGMA page_count");
    Result<Statement> free = writer_.prepare("PRAGMA freelist_count");
    if (!pages) return pages.status();
    if (!free) return free.status();
    pages_query_ = std::move(*pages);
    free_query_ = std::move(*free);
  }
  StatementUse pages_use(pages_query_);
  StatementUse free_use(free_query_);
  for (Statement* query : {&pages_query_, &free_query_}) {
    if (const Result<bool> row = writer_.step(*query); !row) return row.status();
  }
  return Extent{pages_query_.integer(0) * kPageBytes, free_query_.integer(0) * kPageBytes};
}

Status Room::measure(std::uint64_t needed) {
  if (is_reserve_used_ && may_try()) {
    if (Status status = make_reserve(); !status.is_ok()) return status;
    if (!is_limited_) return {};
  }
  const Result<Extent> now = extent();
  if (!now) return now.status();
  // The log will grow to this at least, before it begins anew.
  const std::uint64_t log =
      std::max(writer_.log_bytes(),
               kLogPages * kFrameBytes + std::max<std::uint64_t>(needed, limits_.group_bytes_max));
  std::uint64_t room = now->free;
  std::uint64_t used = kMarginBytes;
  const char* option = "reserve_bytes: the disk is full, what is left serves acknowledging";
  if (!is_reserve_used_) {
    room += limits_.disk_bytes_max;
    used += now->file + log;
    option = "disk_bytes_max: the database and its log have reached it";
  }
  if (used + needed > room) {
    budget_ = 0;
    return {Code::full, option};
  }
  budget_ = room - used - needed;
  return {};
}

void Room::committed(bool has_stored_events_only) {
  budget_ = has_stored_events_only ? budget_ - std::min(budget_, kCommitBytes) : 0;
  if (log_pages_ < (is_reserve_used_ ? kLogPagesFull : kLogPages)) return;
  // The longer the log, the more room it takes to carry it over: better now than later.
  if ((checkpoint(SQLITE_CHECKPOINT_PASSIVE) & 0xFF) == SQLITE_FULL) make_room();
}

void Room::met_full_disk() {
  if (may_try()) checkpoint(SQLITE_CHECKPOINT_PASSIVE);
}

bool Room::make_room() {
  const bool is_released = reserve_.release();
  update_limits();
  return checkpoint(SQLITE_CHECKPOINT_PASSIVE) == SQLITE_OK || is_released;
}

Status Room::empty_log() {
  return writer_.check(checkpoint(SQLITE_CHECKPOINT_TRUNCATE), "the log cannot be carried over");
}

Result<std::uint64_t> Room::shrink() {
  const Result<Extent> before = extent();
  if (!before) return before.status();
  const std::uint64_t log_before = writer_.log_bytes();
  Status status = empty_log();  // what follows fills another one
  if (status.is_ok() || status.code() == Code::full) {
    if (before->free > 0) status = vacuum(*before);
    if (const Status emptied = empty_log(); status.is_ok()) status = emptied;
  }
  if (const Status made = make_reserve(); status.is_ok()) status = made;
  if (!status.is_ok()) return status;
  const Result<Extent> after = extent();
  if (!after) return after.status();
  const std::uint64_t used = before->file + log_before;
  return used - std::min(used, after->file + writer_.log_bytes());
}

// What is in use goes to a temporary file, as it may be more than there is memory, and from there
// over the log into the file: until the commit at the end the database is as it was.
Status Room::vacuum(const Extent& before) {
  const std::uint64_t copy = (before.file - before.free) / kPageBytes * kFrameBytes;
  if (limits_.disk_bytes_max > 0 && before.file + copy > limits_.disk_bytes_max) {
    return {Code::full, "disk_bytes_max: to shrink the database, what is in use must fit in twice"};
  }
  // Where they are kept cannot be changed without losing them.
  const auto has_temporary = writer_.integer("SELECT EXISTS (SELECT 1 FROM sqlite_temp_schema)");
  if (!has_temporary) return has_temporary.status();
  if (*has_temporary != 0) {
    return {Code::wrong_state, "database " + writer_.path() +
                                   ": cannot shrink while there are temporary tables: drop them"};
  }
  const char* const what = "cannot shrink, which takes room for a copy of what is in use";
  sqlite3_limit(writer_.handle(), SQLITE_LIMIT_ATTACHED, 1);  // the temporary file
  Status status = writer_.run("PRAGMA temp_store=FILE; VACUUM", what);
  if (status.code() == Code::full && reserve_.release()) {
    checkpoint(SQLITE_CHECKPOINT_TRUNCATE);  // the log that was given up is in the way
    status = writer_.run("VACUUM", what);
  }
  const Status kept = writer_.run("PRAGMA temp_store=MEMORY");
  sqlite3_limit(writer_.handle(), SQLITE_LIMIT_ATTACHED, 0);
  return status.is_ok() ? kept : status;
}

// A code of SQLite's.
int Room::checkpoint(int mode) {
  int in_log = 0;
  int carried = 0;
  const int rc = sqlite3_wal_checkpoint_v2(writer_.handle(), "main", mode, &in_log, &carried);
  if (rc == SQLITE_OK && carried > 0) ++checkpoints_;
  if (rc == SQLITE_OK && carried == in_log) log_pages_ = 0;
  return rc;
}

}  // namespace edgepost::store
