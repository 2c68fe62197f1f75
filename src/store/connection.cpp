#include "store/connection.hpp"

#include <system_error>
#include <utility>

namespace edgepost::store {
namespace {

constexpr int kBusyTimeoutMs = 5'000;  // longer than any checkpoint or recovery of our own files

Code code_of(int rc) {
  if (rc == SQLITE_IOERR_SHMSIZE) return Code::full;  // no room for the log's shared memory
  switch (rc & 0xFF) {
    case SQLITE_FULL:
      return Code::full;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Code::busy;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Code::corrupt;
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
    case SQLITE_TOOBIG:
    case SQLITE_AUTH:
      return Code::invalid_argument;
    default:
      return Code::io_error;
  }
}

}  // namespace

std::string_view Statement::bytes(int column) const {
  const void* data = sqlite3_column_blob(handle_.get(), column);
  const int size = sqlite3_column_bytes(handle_.get(), column);
  if (data == nullptr || size <= 0) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

Result<Connection> Connection::open(const std::string& path, const std::string& vfs, Mode mode) {
  // Bundled SQLite is built without automatic initialisation; calling it again does nothing.
  if (sqlite3_initialize() != SQLITE_OK) return Status(Code::io_error, "SQLite does not start");
  const int access = mode == Mode::read_only ? SQLITE_OPEN_READONLY
                     : mode == Mode::operate ? SQLITE_OPEN_READWRITE
                                             : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  const int rc =
      sqlite3_open_v2(path.c_str(), &handle, access | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                      vfs.empty() ? nullptr : vfs.c_str());
  Connection connection(handle, path);
  if (handle == nullptr) return Status(Code::io_error, "database " + path + ": no memory to open");
  if (rc != SQLITE_OK) {
    if ((rc & 0xFF) != SQLITE_CANTOPEN) return connection.check(rc, "cannot be opened");
    const int reason = sqlite3_system_errno(handle);
    std::string message = "database " + path + ": cannot be opened";
    if (reason != 0) message += ": " + std::generic_category().message(reason);
    constexpr int kNoSuchFile = 2;  // ENOENT
    const bool missing = mode != Mode::read_write && (reason == kNoSuchFile || reason == 0);
    return Status(missing ? Code::not_found : Code::io_error, std::move(message));
  }
  if (Status status = connection.refuse_cut_off(); !status.is_ok()) return status;
  if (Status status = connection.harden(); !status.is_ok()) return status;
  if (mode == Mode::operate) {
    sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    Status status = connection.run("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
    if (!status.is_ok()) return status;
  }
  return connection;
}

// SQLite takes an empty file for a new database and deletes the log beside it, which may hold all
// that is left of an old one. Nothing was read so far, so the log is still there.
Status Connection::refuse_cut_off() const {
  sqlite3_file* file = nullptr;
  sqlite3_vfs* vfs = nullptr;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs);
  sqlite3_int64 size = 0;
  if (file->pMethods->xFileSize(file, &size) != SQLITE_OK || size > 0) return {};
  const char* log = sqlite3_filename_wal(sqlite3_db_filename(handle_.get(), "main"));
  int is_there = 0;
  if (vfs->xAccess(vfs, log, SQLITE_ACCESS_EXISTS, &is_there) != SQLITE_OK || is_there == 0) {
    return {};
  }
  return {Code::corrupt, "database " + path_ + ": it is empty, but " + log +
                             " has data: it was cut off; keep both and restore a copy"};
}

// A database file may come from a stranger's hands (an SD card): nothing in it may run code or
// make the library allocate without bound.
Status Connection::harden() {
  sqlite3* db = handle_.get();
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 80 * 1024 * 1024);  // above the largest event
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 100'000);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
  sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
  sqlite3_limit(db, SQLITE_LIMIT_COMPOUND_SELECT, 50);
  sqlite3_limit(db, SQLITE_LIMIT_VDBE_OP, 100'000);
  sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 16);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1'000);
  // The reasons of these figures were measured; they stand in docs/architecture.md.
  const Status status =
      run("PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF;"
          "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-256;",
          "cannot be opened");
  // That the file is damaged is found, and told, by whoever reads it.
  return status.code() == Code::corrupt ? Status() : status;
}

Result<Statement> Connection::prepare(std::string_view sql, std::string_view* rest) {
  sqlite3_stmt* raw = nullptr;
  const char* end = nullptr;
  const int rc = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                    SQLITE_PREPARE_PERSISTENT, &raw, &end);
  Statement statement;
  statement.handle_.reset(raw);
  if (rc != SQLITE_OK) return check(rc, "statement cannot be prepared");
  if (rest != nullptr) *rest = sql.substr(static_cast<std::size_t>(end - sql.data()));
  return statement;
}

Status Connection::prepare_once(Statement& statement, std::string_view sql) {
  if (statement.is_prepared()) return {};
  Result<Statement> prepared = prepare(sql);
  if (!prepared) return prepared.status();
  statement = std::move(*prepared);
  return {};
}

Status Connection::run(const char* sql, std::string_view what) {
  return check(sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr), what);
}

Status Connection::run(Statement& statement, const char* sql, std::string_view what) {
  if (Status status = prepare_once(statement, sql); !status.is_ok()) return status;
  const StatementUse use(statement);
  const int rc = sqlite3_step(statement.handle());
  return check(rc, what);
}

Result<std::int64_t> Connection::integer(const char* sql) {
  Result<Statement> statement = prepare(sql);
  if (!statement) return statement.status();
  const Result<bool> row = step(*statement);
  if (!row) return row.status();
  return *row ? sqlite3_column_int64(statement->handle(), 0) : std::int64_t{0};
}

Result<bool> Connection::step(Statement& statement) {
  const int rc = sqlite3_step(statement.handle());
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return check(rc, "a statement failed");
}

Status Connection::check(int rc, std::string_view what) const {
  if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE) return {};
  std::string message = "database " + path_ + ": ";
  message += what;
  message += ": ";
  message += sqlite3_errmsg(handle_.get());
  const Code code = code_of(rc);
  if (code == Code::full) has_met_full_disk_ = true;
  if (code == Code::corrupt) has_met_damage_ = true;
  return {code, std::move(message)};
}

std::uint64_t Connection::log_bytes() const {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(handle_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  sqlite3_int64 size = 0;
  if (file == nullptr || file->pMethods == nullptr) return 0;
  return file->pMethods->xFileSize(file, &size) == SQLITE_OK ? static_cast<std::uint64_t>(size) : 0;
}

WriteTransaction::~WriteTransaction() {
  if (sqlite3_get_autocommit(connection_.handle()) == 0) {
    // A failed rollback leaves nothing to do: SQLite rolls back when the file is opened again.
    sqlite3_exec(connection_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

Status WriteTransaction::begin() {
  return connection_.run(connection_.begin_, "BEGIN IMMEDIATE", "cannot begin to write");
}

Status WriteTransaction::commit() {
  return connection_.run(connection_.commit_, "COMMIT", "cannot store");
}

}  // namespace edgepost::store
