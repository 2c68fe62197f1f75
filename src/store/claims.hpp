#pragma once

#include <cstddef>
#include <string_view>

#include "store/connection.hpp"

namespace edgepost::store {

/// Remembers which ids have taken effect: the newest so many of each scope; see Transaction::claim.
/// Threads: only the one whose turn it is to commit.
class Claims {
 public:
  /// Remembers `claims_max` ids of each scope.
  explicit Claims(std::size_t claims_max) : claims_max_(claims_max) {}

  /// Claims `id`; false when it is claimed already. Older claims beyond the number are forgotten, a
  /// few at a time. Call inside a write transaction, which decides about all of it.
  /// Errors: invalid_argument (scope, id); full; io_error.
  Result<bool> claim(Connection& connection, std::string_view scope, std::string_view id);

 private:
  Result<bool> find(Connection& connection, std::string_view scope, std::string_view id);
  Status insert(Connection& connection, std::string_view scope, std::string_view id);
  Status forget(Connection& connection, std::string_view scope);

  const std::size_t claims_max_;
  Statement find_;
  Statement insert_;
  Statement forget_;
};

}  // namespace edgepost::store
