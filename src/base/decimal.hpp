#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace edgepost {

/// The finite number that `text` is, all of it: `21.5`, `-3`, `1e-3`; none when it is something
/// else, and when it is too large for a double.
std::optional<double> read_decimal(std::string_view text);

/// Appends the shortest text from which read_decimal() makes `value` again, whatever the locale.
/// Requires: finite.
void append_decimal(double value, std::string& out);

}  // namespace edgepost
