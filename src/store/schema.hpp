#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "edgepost/platform.hpp"
#include "store/connection.hpp"

namespace edgepost::store {

/// Who a database is.
struct Identity {
  std::array<std::uint8_t, 16> uuid{};
  std::uint64_t incarnation = 0;  ///< How many times an owner has opened it.
};

/// A number for this life of the database: one owner of one database. Cards that were cloned and
/// images that were restored have other lives, in which the same numbers mean other events.
std::uint64_t life_of(const Identity& identity);

/// The table that holds the segments of stream number `stream`, and the statement that makes it.
std::string segment_table_name(std::uint32_t stream);
std::string segment_table_sql(std::uint32_t stream);

/// Tells apart a new file, one of ours and a stranger's, without writing anything.
/// Errors: corrupt (not a database); invalid_argument (another program's database); unsupported
/// (newer schema); with `is_read_only`, wrong_state (older schema, must be migrated first) and
/// not_found (empty).
Status check_schema(Connection& connection, bool is_read_only);

/// Brings a checked database to this version's schema, one file of store/sql after the other, in
/// one transaction; a new one gets its identity. Sets WAL and synchronous=FULL.
/// After failure: the database is as it was.
Status migrate(Connection& connection, Random& random);

/// Counts one more opening by an owner. Errors: full; io_error.
Status count_opening(Connection& connection);

/// Errors: corrupt.
Result<Identity> read_identity(Connection& connection);

}  // namespace edgepost::store
