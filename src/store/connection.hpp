#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::store {

/// A prepared statement. Bind, step, read, reset; a statement that is not reset holds a read
/// transaction open, so whoever steps it resets it (see StatementUse).
class Statement {
 public:
  Statement() = default;

  [[nodiscard]] bool is_prepared() const { return handle_ != nullptr; }
  void bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_.get(), index, value); }
  void bind(int index, std::uint64_t value) { bind(index, static_cast<std::int64_t>(value)); }

  /// Must outlive: the bytes the next reset.
  void bind_blob(int index, std::string_view bytes) {
    sqlite3_bind_blob64(handle_.get(), index, bytes.data(), bytes.size(), SQLITE_STATIC);
  }

  /// Must outlive: the text the next reset.
  void bind_text(int index, std::string_view text) {
    sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }

  [[nodiscard]] std::uint64_t integer(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(handle_.get(), column));
  }

  /// Text or blob; valid until the next step or reset.
  [[nodiscard]] std::string_view bytes(int column) const;

  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }

 private:
  friend class Connection;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
};

/// Resets a statement and forgets its bindings when the use is over.
class StatementUse {
 public:
  explicit StatementUse(Statement& statement) : statement_(statement) {}
  ~StatementUse() {
    sqlite3_reset(statement_.handle());
    sqlite3_clear_bindings(statement_.handle());
  }
  StatementUse(const StatementUse&) = delete;
  StatementUse& operator=(const StatementUse&) = delete;
  Statement* operator->() { return &statement_; }

 private:
  Statement& statement_;
};

/// One SQLite connection, hardened, with WAL and synchronous=FULL.
/// Threads: one at a time; whoever shares it brings the mutex.
class Connection {
 public:
  enum class Mode : unsigned char {
    read_write,
    read_only,
    operate,  ///< Writes beside an owner: never makes a file, carries nothing over from the log.
  };

  /// Opens `path` through the VFS named `vfs` (empty: the default one). Creates the file in mode
  /// read_write. Nothing is written yet.
  /// Errors: not_found (no file, and not read_write), io_error, corrupt.
  static Result<Connection> open(const std::string& path, const std::string& vfs, Mode mode);

  Connection(Connection&&) = default;
  Connection& operator=(Connection&&) = default;

  /// Prepares the first statement of `sql`; `rest`, if given, is what stands behind it.
  /// Errors: those of check().
  Result<Statement> prepare(std::string_view sql, std::string_view* rest = nullptr);

  /// Prepares `sql` into `statement`, unless it was before.
  Status prepare_once(Statement& statement, std::string_view sql);

  /// Runs one or more statements without results; `what` says what for, in an operator's words.
  Status run(const char* sql, std::string_view what = "a statement failed");

  /// The same for one statement, which is prepared once and kept in `statement`.
  Status run(Statement& statement, const char* sql, std::string_view what);

  /// The first column of the first row of `sql`, as an integer; 0 when there is no row.
  Result<std::int64_t> integer(const char* sql);

  /// Steps `statement`; true when there is a row.
  Result<bool> step(Statement& statement);

  /// Makes a Status of SQLite's code `rc`; `what` says what was being done.
  [[nodiscard]] Status check(int rc, std::string_view what) const;

  /// The disk was full in some call since forget_full_disk().
  [[nodiscard]] bool has_met_full_disk() const { return has_met_full_disk_; }
  void forget_full_disk() { has_met_full_disk_ = false; }

  /// The database was damaged in some call.
  [[nodiscard]] bool has_met_damage() const { return has_met_damage_; }

  /// The size of the write-ahead log's file; 0 before it was used.
  [[nodiscard]] std::uint64_t log_bytes() const;

  [[nodiscard]] sqlite3* handle() const { return handle_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class WriteTransaction;
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}
  [[nodiscard]] Status refuse_cut_off() const;
  Status harden();
  struct Close {
    void operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
  };
  std::unique_ptr<sqlite3, Close> handle_;
  std::string path_;
  Statement begin_;  // of WriteTransaction: preparing them would cost more than running them
  Statement commit_;
  mutable bool has_met_full_disk_ = false;
  mutable bool has_met_damage_ = false;
};

/// A write transaction: begun immediately, rolled back unless committed.
class WriteTransaction {
 public:
  explicit WriteTransaction(Connection& connection) : connection_(connection) {}
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  /// Takes the write lock. Errors: busy, io_error, full, corrupt.
  Status begin();

  /// Commits, and syncs as `PRAGMA synchronous` says. After failure: rolled back.
  Status commit();

 private:
  Connection& connection_;
};

}  // namespace edgepost::store
