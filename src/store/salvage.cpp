#include "store/salvage.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"
#include "store/connection.hpp"
#include "store/rebuild.hpp"
#include "store/schema.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {
namespace {

constexpr std::uint32_t kEvidenceMax = 1'000;

// How far a salvage has come.
struct Progress {
  std::uint32_t number = 0;  // of the evidence
  bool is_copied = false;    // from now on the evidence is what counts

  [[nodiscard]] std::string encode() const {
    std::string text;
    ByteWriter writer(text);
    writer.fixed32(number);
    writer.byte(is_copied ? 1 : 0);
    writer.fixed32(crc32c(text, 1));
    return text;
  }

  static std::optional<Progress> decode(std::string_view text) {
    ByteReader reader(text);
    Progress progress;
    progress.number = reader.fixed32();
    progress.is_copied = reader.byte() == 1;
    if (reader.has_failed() || progress.encode() != text) return std::nullopt;
    return progress;
  }
};

std::string evidence_suffix(std::uint32_t number) { return "-damaged-" + std::to_string(number); }

// Evidence may be a database, its log, both, or a segment; what there is of one number.
Result<std::string> evidence(const Files& files, std::uint32_t number) {
  for (const char* kind : {"", "-wal", "-segment"}) {
    std::string path = files.path(evidence_suffix(number) + kind);
    const Result<bool> is_there = files.exists(path);
    if (!is_there) return is_there.status();
    if (*is_there) return path;
  }
  return std::string();
}

Result<std::uint32_t> unused_number(const Files& files) {
  std::uint32_t number = 1;
  for (; number < kEvidenceMax; ++number) {
    const Result<std::string> there = evidence(files, number);
    if (!there) return there.status();
    if (there->empty()) break;
  }
  return number;
}

// Copies a database together with its log.
Status copy_both(const Files& files, const std::string& from, const std::string& to,
                 std::string_view start = {}) {
  Status status = files.copy(from, to, start);
  const Result<bool> has_log = files.exists(from + "-wal");
  if (status.is_ok()) status = has_log.status();
  if (!status.is_ok()) return status;
  return *has_log ? files.copy(from + "-wal", to + "-wal") : files.remove(to + "-wal");
}

Result<std::optional<Progress>> progress_of(const Files& files) {
  const Result<std::string> text = files.read(files.path("-salvage"));
  if (!text) return text.status();
  return Progress::decode(*text);
}

// Makes the evidence, unless it is there; its path. The database is deleted only behind it.
Result<std::string> set_aside(const Files& files) {
  const std::string note = files.path("-salvage");
  const Result<std::optional<Progress>> found = progress_of(files);
  if (!found) return found.status();
  Progress progress = found->value_or(Progress());
  if (progress.is_copied) {
    const Result<bool> is_there = files.exists(files.path(evidence_suffix(progress.number)));
    if (!is_there) return is_there.status();
    if (!*is_there) progress = {};  // somebody took it away: what is left is what stands here
  }
  if (progress.number == 0) {
    const Result<std::uint32_t> number = unused_number(files);
    if (!number) return number.status();
    progress.number = *number;
    if (Status status = files.write(note, progress.encode()); !status.is_ok()) return status;
  }
  std::string evidence = files.path(evidence_suffix(progress.number));
  if (progress.is_copied) return evidence;
  Status status = copy_both(files, files.path(""), evidence);
  if (status.code() == Code::full) {  // as if it had never begun
    for (const std::string& path : {evidence + "-wal", evidence, note})
      (void)files.remove(path);
    return Status(Code::full, status.message() +
                                  "; a damaged database is copied first, so that"
                                  " salvaging takes its size twice more");
  }
  progress.is_copied = true;
  if (status.is_ok()) status = files.write(note, progress.encode());
  if (!status.is_ok()) return status;
  return evidence;
}

Result<Connection> open_damaged(const std::string& path, const std::string& vfs) {
  Result<Connection> connection = Connection::open(path, vfs, Connection::Mode::read_only);
  if (!connection) return connection.status();
  // What cannot be understood of the schema is passed over; nothing is ever written.
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_DEFENSIVE, 0, nullptr);
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  Status status = connection->run("PRAGMA writable_schema=ON; PRAGMA query_only=ON");
  const Result<std::int64_t> tables = connection->integer("SELECT count(*) FROM sqlite_schema");
  if (!tables) status = tables.status();
  if (!status.is_ok()) return status;
  return connection;
}

// A scratch copy with a header as all our databases have it: of the header SQLite believes little.
Result<Connection> open_without_header(const Files& files, const std::string& evidence,
                                       const std::string& vfs) {
  using namespace std::string_view_literals;
  const std::string scratch = files.path("-salvage-copy");
  Status status =
      copy_both(files, evidence, scratch, "SQLite format 3\0\x10\0\x02\x02\0\x40\x20\x20"sv);
  if (!status.is_ok()) return status;
  return open_damaged(scratch, vfs);
}

// In the place of a database of which nothing can be read.
Result<Connection> open_nothing(const Files& files, const std::string& vfs) {
  const std::string scratch = files.path("-salvage-copy");
  for (const char* suffix : {"-wal", ""}) {
    if (Status status = files.remove(scratch + suffix); !status.is_ok()) return status;
  }
  if (Status status = files.write(scratch, ""); !status.is_ok()) return status;
  return open_damaged(scratch, vfs);
}

// The evidence was there: SQLite says the same of a file that the disk fails to open.
bool is_of_opening(const Status& status) {
  return status.code() == Code::full || status.code() == Code::io_error ||
         status.code() == Code::busy || status.code() == Code::not_found;
}

Status as_of_disk(const Status& status) {
  return status.code() == Code::not_found ? Status(Code::io_error, status.message()) : status;
}

Status rebuild(const Files& files, const std::string& evidence, const std::string& vfs,
               const Owner& owner, Random& random, DamageReport& report) {
  Result<Connection> from = open_damaged(evidence, vfs);
  if (!from) report.problems.push_back(from.status().message());
  if (!from && !is_of_opening(from.status())) from = open_without_header(files, evidence, vfs);
  if (!from && !is_of_opening(from.status())) {
    report.problems.emplace_back("nothing could be read: the database begins anew");
    from = open_nothing(files, vfs);
  }
  if (!from) return as_of_disk(from.status());
  // The database last: a log without one counts as cut off, which nobody owns and mends.
  for (const char* suffix : {"-journal", "-wal", ""}) {
    if (Status status = files.remove(files.path(suffix)); !status.is_ok()) return status;
  }
  Result<Connection> to = Connection::open(files.path(""), vfs, Connection::Mode::read_write);
  if (!to) return to.status();
  Status status = migrate(*to, random);
  if (!status.is_ok()) return status;
  return Rebuild(*from, *to, owner, report).run();
}

}  // namespace

Result<bool> is_salvage_begun(const Files& files) {
  const Result<std::optional<Progress>> progress = progress_of(files);
  if (!progress) return progress.status();
  return progress->has_value() && (*progress)->is_copied;
}

Result<std::string> unused_evidence(const Files& files) {
  const Result<std::uint32_t> number = unused_number(files);
  if (!number) return number.status();
  return files.path(evidence_suffix(*number));
}

Result<std::string> newest_evidence(const Files& files) {
  const Result<std::uint32_t> number = unused_number(files);
  if (!number) return number.status();
  return evidence(files, *number - 1);  // of number 0 there is none
}

Result<DamageReport> salvage(const Files& files, const std::string& vfs, const Owner& owner,
                             Random& random) {
  DamageReport report;
  Result<std::string> evidence = set_aside(files);
  if (!evidence) return evidence.status();
  report.set_aside = *evidence;
  Status status = rebuild(files, *evidence, vfs, owner, random, report);
  if (status.code() == Code::full) {
    return Status(Code::full, "database " + files.path("") + ": making it anew from " + *evidence +
                                  ", which must stay, takes more room: " + status.message());
  }
  const std::string scratch = files.path("-salvage-copy");
  for (const std::string& path :
       {scratch, scratch + "-wal", scratch + "-shm", *evidence + "-shm", files.path("-salvage")}) {
    if (status.is_ok()) status = files.remove(path);
  }
  if (!status.is_ok()) return status;
  return report;
}

Status insert_lost(Connection& connection, const Lost& lost) {
  Result<Statement> insert = connection.prepare("INSERT INTO " + segment_table_name(lost.stream) +
                                                " VALUES (?1, ?2, ?3, ?4)");
  if (!insert) return insert.status();
  const std::uint64_t count = lost.last - lost.first + 1;
  const std::string data = lost_segment(lost.stream, lost.last, count);
  insert->bind(1, lost.last);
  insert->bind(2, count);
  insert->bind(3, static_cast<std::uint64_t>(data.size()));
  insert->bind_blob(4, data);
  return connection.step(*insert).status();
}

Result<std::vector<Lost>> find_lost_tails(Connection& connection, const Stamp& stamp) {
  std::vector<Lost> tails;
  for (const auto& [stream, mark] : stamp.marks) {
    const std::string table = segment_table_name(stream);
    const Result<std::int64_t> is_there = connection.integer(
        ("SELECT EXISTS (SELECT 1 FROM edgepost_stream WHERE id = " + std::to_string(stream) + ")")
            .c_str());
    if (!is_there) return is_there.status();
    if (*is_there == 0) {
      const Result<std::int64_t> next_id = connection.integer("SELECT next_id FROM edgepost_meta");
      if (!next_id) return next_id.status();
      if (mark == 0 || stream < *next_id) continue;  // it was deleted
      return Status(Code::corrupt, "database " + connection.path() + ": stream number " +
                                       std::to_string(stream) +
                                       " is missing: the log that it was made in is lost");
    }
    StreamLog log(stream, StreamOptions{});
    if (Status status = log.load(connection); !status.is_ok()) return status;
    if (log.next_sequence() <= mark) tails.push_back({stream, log.next_sequence(), mark});
  }
  return tails;
}

}  // namespace edgepost::store
