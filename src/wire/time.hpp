#pragma once

#include <string>
#include <string_view>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost::wire {

/// RFC 3339 in UTC with microseconds: `2026-11-21T07:00:00.000000Z`. The format knows the years
/// 0000 to 9999; a time outside is written as the nearest one inside.
std::string format_time(Timestamp time);

/// Reads RFC 3339 with any offset and 0 to 9 digits of fraction; what is finer than a microsecond
/// is cut off, a leap second is the second after it.
/// Errors: invalid_argument, naming the position; also when the offset leads out of the years
/// 0000 to 9999.
Result<Timestamp> parse_time(std::string_view text);

}  // namespace edgepost::wire
