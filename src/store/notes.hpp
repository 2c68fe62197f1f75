#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "store/connection.hpp"

namespace edgepost::store {

/// The value of the note `name`, if it was ever written. Errors: corrupt; io_error.
Result<std::optional<std::string>> read_note(Connection& connection, std::string_view name);

/// Writes a note, in the place of the one before. Call inside a write transaction.
/// Errors: full; io_error.
Status write_note(Connection& connection, std::string_view name, std::string_view value);

}  // namespace edgepost::store
