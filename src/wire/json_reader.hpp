#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"

namespace edgepost::wire {

/// One member of a JSON object; the value is as it stands in the text.
struct JsonMember {
  std::string name{};
  std::string_view value{};
};

/// The members of the one JSON object that `text` is. Must outlive: the text the members.
/// Errors: invalid_argument, naming the byte: malformed (see scan_json), no object, more than 256
/// members, a name that stood there before.
Result<std::vector<JsonMember>> read_members(std::string_view text);

/// The elements of the one JSON array that `text` is, as they stand in it, at most `count_max`.
/// Must outlive: the text the elements.
/// Errors: invalid_argument, naming the byte: malformed, no array, more elements.
Result<std::vector<std::string_view>> read_elements(std::string_view text, std::size_t count_max);

/// What a JSON string says. Requires: scan_json() found `value` valid.
/// Errors: invalid_argument when it is no string.
Result<std::string> read_text(std::string_view value);

/// The value of the member `name`; empty: there is none.
std::string_view find_member(const std::vector<JsonMember>& members, std::string_view name);

}  // namespace edgepost::wire
