#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "base/event_weight.hpp"
#include "store/notes.hpp"
#include "store/store.hpp"

namespace edgepost::store {
namespace {

struct Bind {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }
  int operator()(std::string_view text) const {
    return sqlite3_bind_text64(statement, index, text.data(), text.size(), SQLITE_TRANSIENT,
                               SQLITE_UTF8);
  }
};

// The caller sees the row id of its own last insert, not that of ours.
class KeptRowid {
 public:
  explicit KeptRowid(const Connection& connection)
      : handle_(connection.handle()), rowid_(sqlite3_last_insert_rowid(handle_)) {}
  ~KeptRowid() { sqlite3_set_last_insert_rowid(handle_, rowid_); }
  KeptRowid(const KeptRowid&) = delete;
  KeptRowid& operator=(const KeptRowid&) = delete;

 private:
  sqlite3* handle_;
  sqlite3_int64 rowid_;
};

// Skips what SQL does not read: white space and comments.
std::string_view skip_blanks(std::string_view sql) {
  while (!sql.empty()) {
    if (sql.starts_with("--")) {
      sql.remove_prefix(std::min(sql.find('\n'), sql.size()));
    } else if (sql.starts_with("/*")) {
      const auto end = sql.find("*/", 2);
      sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
    } else if (sql.front() == ';' ||
               std::string_view(" \t\r\n\f").find(sql.front()) != std::string_view::npos) {
      sql.remove_prefix(1);
    } else {
      break;
    }
  }
  return sql;
}

}  // namespace

Status Session::checked(Status status) {
  // After full or io_error SQLite may have given up parts, or rolled back whole; going on could
  // store half. The disk is what the caller must hear of then.
  const bool is_fatal = !status.is_ok() && status.code() != Code::invalid_argument;
  if (is_fatal) return failure_ = status;
  const bool is_over = sqlite3_get_autocommit(connection_.handle()) != 0;
  if (is_over) {
    std::string why = status.is_ok() ? "the caller's SQL ended it" : status.message();
    return failure_ = {Code::wrong_state, "transaction: " + std::move(why)};
  }
  return status;
}

Status Session::execute(std::string_view sql, std::initializer_list<SqlValue> values) {
  if (!failure_.is_ok()) return failure_;
  sql = skip_blanks(sql);
  if (sql.empty()) return {Code::invalid_argument, "execute: no statement"};
  std::string_view rest;
  Result<Statement> statement = connection_.prepare(sql, &rest);
  if (!statement) return checked(statement.status());
  // Neither rows nor a change: it begins or ends a transaction, which is for transact() to do.
  if (sqlite3_stmt_readonly(statement->handle()) != 0 &&
      sqlite3_column_count(statement->handle()) == 0) {
    return {Code::invalid_argument, "execute: the statement would only steer the transaction"};
  }
  if (!skip_blanks(rest).empty()) {
    return {Code::invalid_argument, "execute: more than one statement"};
  }
  const int wanted = sqlite3_bind_parameter_count(statement->handle());
  if (static_cast<std::size_t>(wanted) != values.size()) {
    return {Code::invalid_argument, "execute: the statement has " + std::to_string(wanted) +
                                        " parameters, " + std::to_string(values.size()) +
                                        " values were given"};
  }
  int index = 0;
  for (const SqlValue& value : values) {
    const int rc = std::visit(Bind{statement->handle(), ++index}, value);
    if (rc != SQLITE_OK) return checked(connection_.check(rc, "execute: a value cannot be bound"));
  }
  while (true) {
    const Result<bool> row = connection_.step(*statement);
    if (!row || !*row) return checked(row.status());
  }
}

Status Session::usable() { return failure_.is_ok() ? checked({}) : failure_; }

Result<std::uint64_t> Session::append(std::span<StreamLog* const> streams, const Event& event,
                                      std::optional<Duration> guessed_at) {
  if (Status status = usable(); !status.is_ok()) return status;
  const std::uint64_t bytes = std::uint64_t{weight(event)} * streams.size();
  if (Status status = room_.refuse(bytes); !status.is_ok()) return status;
  if (Status status = commit_.claim(streams, event); !status.is_ok()) return status;
  const KeptRowid kept(connection_);
  Result<std::uint64_t> first = commit_.add(streams, event, guessed_at);
  if (!first) failure_ = first.status();
  return first;
}

// Each depth has a name of its own, so that one that the caller's SQL has ended is missed.
Status Session::steer(std::string_view verb) {
  const std::string sql = std::string(verb) + " edgepost_nested_" + std::to_string(depth_);
  Status status = connection_.run(sql.c_str(), "transaction: a savepoint failed");
  if (status.is_ok()) return status;
  const bool is_missing = status.code() == Code::invalid_argument;
  return failure_ = is_missing ? Status(Code::wrong_state, status.message()) : status;
}

Status Session::nested(const std::function<Status()>& work) {
  if (Status status = usable(); !status.is_ok()) return status;
  const Result<Commit::Mark> mark = [this] {
    const KeptRowid kept(connection_);
    return commit_.mark();
  }();
  if (!mark) return failure_ = mark.status();
  ++depth_;
  Status outcome = steer("SAVEPOINT");
  if (outcome.is_ok()) outcome = work();
  Status ended = usable();
  if (ended.is_ok() && !outcome.is_ok()) {
    ended = steer("ROLLBACK TO");
    commit_.back_to(*mark);
  }
  if (ended.is_ok()) ended = steer("RELEASE");
  --depth_;
  return ended.is_ok() ? outcome : ended;
}

Result<bool> Session::claim(std::string_view scope, std::string_view id) {
  if (Status status = usable(); !status.is_ok()) return status;
  Result<bool> is_first = claims_.claim(connection_, scope, id);
  if (!is_first) return checked(is_first.status());
  return is_first;
}

Status Session::set_note(std::string_view name, std::string_view value) {
  if (Status status = usable(); !status.is_ok()) return status;
  return checked(write_note(connection_, name, value));
}

}  // namespace edgepost::store
