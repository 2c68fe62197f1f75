#include "store/claims.hpp"

#include <string>
#include <utility>

namespace edgepost::store {
namespace {

constexpr std::size_t kScopeBytesMax = 80;
constexpr std::size_t kIdBytesMax = 255;
constexpr std::uint64_t kForgottenAtOnce = 16;  // after claims_max was lowered a backlog is left

Status check(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (!text.empty() && text.size() <= bytes_max) return {};
  return {Code::invalid_argument, "claim: " + std::string(what) + " has " +
                                      std::to_string(text.size()) + " bytes, not 1 to " +
                                      std::to_string(bytes_max)};
}

}  // namespace

Result<bool> Claims::claim(Connection& connection, std::string_view scope, std::string_view id) {
  if (Status status = check("scope", scope, kScopeBytesMax); !status.is_ok()) return status;
  if (Status status = check("id", id, kIdBytesMax); !status.is_ok()) return status;
  const Result<bool> found = find(connection, scope, id);
  if (!found) return found.status();
  if (*found) return false;
  if (Status status = insert(connection, scope, id); !status.is_ok()) return status;
  if (Status status = forget(connection, scope); !status.is_ok()) return status;
  return true;
}

Result<bool> Claims::find(Connection& connection, std::string_view scope, std::string_view id) {
  Status status =
      connection.prepare_once(find_, "SELECT 1 FROM edgepost_claim WHERE scope = ?1 AND id = ?2");
  if (!status.is_ok()) return status;
  StatementUse find(find_);
  find->bind_text(1, scope);
  find->bind_text(2, id);
  return connection.step(find_);
}

Status Claims::insert(Connection& connection, std::string_view scope, std::string_view id) {
  Status status = connection.prepare_once(insert_,
                                          "INSERT INTO edgepost_claim (scope, number, id)"
                                          " SELECT ?1, coalesce(max(number), 0) + 1, ?2"
                                          " FROM edgepost_claim WHERE scope = ?1");
  if (!status.is_ok()) return status;
  StatementUse insert(insert_);
  insert->bind_text(1, scope);
  insert->bind_text(2, id);
  return connection.step(insert_).status();
}

Status Claims::forget(Connection& connection, std::string_view scope) {
  Status status = connection.prepare_once(
      forget_,
      "DELETE FROM edgepost_claim WHERE scope = ?1 AND number IN ("
      "SELECT number FROM edgepost_claim WHERE scope = ?1 AND number <= ("
      "SELECT max(number) FROM edgepost_claim WHERE scope = ?1) - ?2 ORDER BY number LIMIT ?3)");
  if (!status.is_ok()) return status;
  StatementUse forget(forget_);
  forget->bind_text(1, scope);
  forget->bind(2, static_cast<std::uint64_t>(claims_max_));
  forget->bind(3, kForgottenAtOnce);
  return connection.step(forget_).status();
}

}  // namespace edgepost::store
