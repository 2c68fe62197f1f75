#include "store/schema.hpp"

#include <algorithm>
#include <span>
#include <string>

#include "store/sql.hpp"

namespace edgepost::store {
namespace {

constexpr std::int64_t kApplicationId = 0x65706f73;  // "epos"

// Forward only: a new version appends a file to store/sql; none is changed after a release.
constexpr auto kVersion = static_cast<std::int64_t>(sql::files.size());

// Runs the migrations behind `version`, in one transaction. The outcome goes into the database file
// at once: if the log were lost, the file would otherwise look like a new one.
Status upgrade(Connection& connection, Random& random, std::int64_t version) {
  WriteTransaction transaction(connection);
  Status status = transaction.begin();
  if (!status.is_ok()) return status;
  for (std::int64_t i = version; i < kVersion; ++i) {
    const std::string script(sql::files[static_cast<std::size_t>(i)].text);
    status = connection.run(script.c_str(), "cannot be migrated");
    if (!status.is_ok()) return status;
  }
  if (version == 0) {
    Identity identity;
    random.fill(RandomUse::ids, std::as_writable_bytes(std::span(identity.uuid)));
    Result<Statement> insert = connection.prepare("INSERT INTO edgepost_meta (uuid) VALUES (?1)");
    if (!insert) return insert.status();
    insert->bind_blob(1, {reinterpret_cast<const char*>(identity.uuid.data()), 16});
    if (const Result<bool> done = connection.step(*insert); !done) return done.status();
  }
  const std::string marks = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            "; PRAGMA user_version=" + std::to_string(kVersion);
  status = connection.run(marks.c_str());
  if (status.is_ok()) status = transaction.commit();
  if (status.is_ok()) status = connection.run("PRAGMA wal_checkpoint(TRUNCATE)");
  return status;
}

}  // namespace

std::uint64_t life_of(const Identity& identity) {
  std::uint64_t name = identity.incarnation;
  for (const std::uint8_t byte : identity.uuid)
    name = name * 257 + byte;
  return name;
}

std::string segment_table_name(std::uint32_t stream) {
  return "edgepost_segment_" + std::to_string(stream);
}

std::string segment_table_sql(std::uint32_t stream) {
  return "CREATE TABLE " + segment_table_name(stream) +
         " (last_seq INTEGER PRIMARY KEY, count INTEGER NOT NULL,"
         " bytes INTEGER NOT NULL, data BLOB NOT NULL) STRICT";
}

Status check_schema(Connection& connection, bool is_read_only) {
  const Result<std::int64_t> application = connection.integer("PRAGMA application_id");
  if (!application) return application.status();
  const Result<std::int64_t> version = connection.integer("PRAGMA user_version");
  if (!version) return version.status();
  const Result<std::int64_t> table =
      connection.integer("SELECT EXISTS (SELECT 1 FROM sqlite_schema)");
  if (!table) return table.status();
  const std::string where = "database " + connection.path();
  const bool is_new = *application == 0 && *version == 0 && *table == 0;
  if (is_new && is_read_only) {
    return {Code::not_found, where + " is empty: no gateway has set it up yet"};
  }
  if (is_new) return {};
  if (*application != kApplicationId) {
    return {Code::invalid_argument, where + " is not an edgepost database: choose another file"};
  }
  if (*version > kVersion) {
    return {Code::unsupported, where + " has schema " + std::to_string(*version) +
                                   ", this edgepost knows " + std::to_string(kVersion) +
                                   ": upgrade edgepost"};
  }
  if (is_read_only && *version < kVersion) {
    return {Code::wrong_state, where + " has schema " + std::to_string(*version) + ", not " +
                                   std::to_string(kVersion) +
                                   ": open it for writing once, which migrates it"};
  }
  return {};
}

Status migrate(Connection& connection, Random& random) {
  // The page size holds only if it is set before the first write.
  Status status = connection.run("PRAGMA page_size=4096; PRAGMA journal_mode=WAL;");
  if (!status.is_ok()) return status;
  status = connection.run("PRAGMA synchronous=FULL; PRAGMA journal_size_limit=4194304;");
  if (!status.is_ok()) return status;
  // A log that a crash has left may end in frames that are in the kernel's memory only: after a
  // failed fsync Linux calls pages clean that never reached the disk. Whatever were committed
  // behind them would be lost with them in a power cut. So they go into the database file, which
  // writes them anew, and a new log begins. Without a crash there is no log.
  status = connection.run("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!status.is_ok() && status.code() != Code::full) return status;
  const Result<std::int64_t> wal =
      connection.integer("SELECT journal_mode = 'wal' FROM pragma_journal_mode");
  if (!wal) return wal.status();
  if (*wal == 0) {
    return {Code::io_error,
            "database " + connection.path() + ": this file system cannot keep a write-ahead log"};
  }
  const Result<std::int64_t> version = connection.integer("PRAGMA user_version");
  if (!version) return version.status();

  return *version < kVersion ? upgrade(connection, random, *version) : Status();
}

Status count_opening(Connection& connection) {
  WriteTransaction transaction(connection);
  Status status = transaction.begin();
  if (status.is_ok()) {
    status = connection.run("UPDATE edgepost_meta SET incarnation = incarnation + 1");
  }
  return status.is_ok() ? transaction.commit() : status;
}

Result<Identity> read_identity(Connection& connection) {
  Result<Statement> select = connection.prepare("SELECT uuid, incarnation FROM edgepost_meta");
  if (!select) return select.status();
  const Result<bool> found = connection.step(*select);
  if (!found) return found.status();
  Identity identity;
  const std::string_view uuid = *found ? select->bytes(0) : std::string_view{};
  if (uuid.size() != identity.uuid.size()) {
    return Status(Code::corrupt, "database " + connection.path() + ": its identity is missing");
  }
  std::copy(uuid.begin(), uuid.end(), identity.uuid.begin());
  identity.incarnation = select->integer(1);
  return identity;
}

}  // namespace edgepost::store
