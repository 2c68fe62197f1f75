#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "edgepost/event.hpp"
#include "edgepost/transaction.hpp"
#include "store/claims.hpp"
#include "store/commit.hpp"
#include "store/connection.hpp"
#include "store/room.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// A transaction in progress; see Store::transact.
class Session {
 public:
  Session(Connection& connection, Commit& commit, Claims& claims, Room& room)
      : connection_(connection), commit_(commit), claims_(claims), room_(room) {
    commit.share();
  }

  /// See Transaction::execute.
  Status execute(std::string_view sql, std::initializer_list<SqlValue> values);
  /// Adds an event to all of `streams`; its sequence in the first one. Errors: full and not_found
  /// leave it in none of them and the transaction as it was; whatever made an earlier step fatal.
  Result<std::uint64_t> append(std::span<StreamLog* const> streams, const Event& event,
                               std::optional<Duration> guessed_at);
  /// See Transaction::nested.
  Status nested(const std::function<Status()>& work);
  /// See Transaction::claim.
  Result<bool> claim(std::string_view scope, std::string_view id);
  /// See Store::set_note.
  Status set_note(std::string_view name, std::string_view value);
  [[nodiscard]] void* native_handle() const { return connection_.handle(); }
  /// The first failure that makes committing impossible.
  [[nodiscard]] const Status& failure() const { return failure_; }

 private:
  /// Notices when SQLite, or the caller through it, has ended the transaction.
  Status checked(Status status);
  /// The failure that an earlier step met, if any.
  Status usable();
  Status steer(std::string_view verb);

  Connection& connection_;
  Commit& commit_;
  Claims& claims_;
  Room& room_;
  unsigned depth_ = 0;  // of savepoints
  Status failure_;
};

}  // namespace edgepost::store
