#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <variant>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// What publishing an event came to.
struct Receipt {
  EventId id;                  ///< The event's id.
  std::uint64_t sequence = 0;  ///< In the first stream that took it; 0 while only buffered.
};

/// A value for a `?` in SQL: null, integer, real or text. Text is copied.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string_view>;

/// An open transaction on the gateway's database: the caller's own tables and the events it
/// publishes are stored together or not at all.
/// Threads: only the one that runs the transaction's function, and only while it runs.
class Transaction {
 public:
  /// Runs one SQL statement of the caller; result rows are dropped. Tables whose names begin with
  /// `edgepost_` belong to the library.
  /// Errors: invalid_argument with SQLite's message (syntax, constraint, number of values), also
  /// for more than one statement and for those that steer transactions; full; io_error;
  /// wrong_state when the statement made SQLite roll back (`OR ROLLBACK`). After any but
  /// invalid_argument the transaction can only fail.
  Status execute(std::string_view sql, std::initializer_list<SqlValue> values = {});

  /// Adds an event. It is stored, and subscribers hear it, only if the transaction commits. What
  /// the caller has set on the connection stays as it was, sqlite3_last_insert_rowid() too; only
  /// sqlite3_changes() and sqlite3_total_changes() may count rows of the library's.
  /// Errors: as Gateway::publish; as execute.
  Result<Receipt> publish(Event event);

  /// Adds an event to one stream, whatever routes and filters say: for what was in a stream of
  /// that name before, such as an import. Errors: not_found (stream); as publish.
  Result<Receipt> publish_to(std::string_view stream, Event event);

  /// Runs `work` inside a savepoint: when it fails, what it did (its SQL, its events, its claims)
  /// is undone and the rest of the transaction goes on. May be nested. Events published before it
  /// and in it do not share a segment: a transaction of thousands of savepoints fills the file
  /// with small ones. Requires: `work` throws nothing.
  /// Errors: what `work` returned; invalid_argument (no function); as execute.
  Status nested(const std::function<Status()>& work);

  /// Says that the event or message `id` of `scope` takes effect in this transaction: true the
  /// first time, false when a committed transaction, or this one, claimed it before. With it an
  /// effect happens exactly once however often its cause is delivered. The newest
  /// GatewayOptions::claims_max of each scope are remembered. Errors: invalid_argument (`scope` 1
  /// to 80 bytes, `id` 1 to 255 bytes); as execute.
  Result<bool> claim(std::string_view scope, std::string_view id);

  /// The `sqlite3*` of the open transaction, for queries. Never close it, begin, commit or roll
  /// back on it: the transaction then fails, and what SQLite has stored by then stays stored.
  /// Link `edgepost::sqlite3` for the matching header.
  [[nodiscard]] void* native_handle() const;

  /// What a transaction is inside; opaque to everyone else.
  struct Context;

  /// For the gateway only.
  explicit Transaction(Context& context) : context_(context) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  Context& context_;
};

}  // namespace edgepost
