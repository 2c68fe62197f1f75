#pragma once

#include <functional>
#include <string>

#include "store/connection.hpp"

namespace edgepost::store {

/// Calls `take` once for each row of `table` that can be read, with the row number and then
/// `columns`. Around a place that cannot be read the table is entered anew from both sides, in ever
/// smaller ranges of row numbers. Returns true when everything could be read.
/// Errors: those of `take`; io_error; invalid_argument when there is no such table or column.
Result<bool> walk_table(Connection& from, const std::string& table, const std::string& columns,
                        const std::function<Result<bool>(Statement& row)>& take);

/// The same for a table without row numbers: ends at the first place that cannot be read.
Result<bool> walk_keyed_table(Connection& from, const std::string& table,
                              const std::string& columns,
                              const std::function<Result<bool>(Statement& row)>& take);

}  // namespace edgepost::store
