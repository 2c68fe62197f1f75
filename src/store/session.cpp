#include <utility>
#include <variant>

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

// After one of these SQLite may have rolled back on its own; going on would write outside.
bool is_fatal(const Status& status) {
  return status.code() != Code::ok && status.code() != Code::invalid_argument;
}

}  // namespace

Status Session::execute(std::string_view sql, std::initializer_list<SqlValue> values) {
  if (!failure_.is_ok()) return failure_;
  Result<Statement> statement = connection_.prepare(sql);
  if (!statement) return statement.status();
  const int wanted = sqlite3_bind_parameter_count(statement->handle());
  if (static_cast<std::size_t>(wanted) != values.size()) {
    return {Code::invalid_argument, "execute: the statement has " + std::to_string(wanted) +
                                        " parameters, " + std::to_string(values.size()) +
                                        " values were given"};
  }
  int index = 0;
  for (const SqlValue& value : values) {
    const int rc = std::visit(Bind{statement->handle(), ++index}, value);
    if (rc != SQLITE_OK) return connection_.check(rc, "execute: a value cannot be bound");
  }
  while (true) {
    const Result<bool> row = connection_.step(*statement);
    if (!row) {
      if (is_fatal(row.status())) failure_ = row.status();
      return row.status();
    }
    if (!*row) return {};
  }
}

Result<std::uint64_t> Session::append(StreamLog& stream, const Event& event) {
  if (!failure_.is_ok()) return failure_;
  Result<std::uint64_t> sequence = commit_.add(stream, event);
  if (!sequence) failure_ = sequence.status();
  return sequence;
}

}  // namespace edgepost::store
