#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::document {

constexpr std::size_t kTextBytesMax = 8 * 1024;  ///< Of a string in a value.
constexpr unsigned kDepthMax = 16;               ///< Objects and arrays within each other.

/// The one way to write a JSON value, so that equal values are equal bytes: no white space, names
/// in order, whole numbers without fraction or exponent, others as short as can be.
/// Errors: invalid_argument: malformed; a name twice; deeper than kDepthMax; a longer text; a whole
/// number beyond 64 bits; a number that is too large for a double.
Result<std::string> canonical(std::string_view json);

/// Merges two changes of one value, all canonical and each possibly empty, which means that there
/// is none. Objects are merged member by member, everything else as a whole: what only one side
/// has changed since `base` wins, changing beats deleting, and where both changed it, `winner`.
std::string merge_three(const std::string& base, const std::string& winner,
                        const std::string& loser);

/// True when a canonical value, or an empty one, is a number.
bool is_number(const std::string& value);

/// Negative, zero or positive, as the canonical number `left` is less, the same or more.
int compare_numbers(const std::string& left, const std::string& right);

}  // namespace edgepost::document
