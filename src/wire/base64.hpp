#pragma once

#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::wire {

/// Appends `bytes` in base64 (RFC 4648, section 4) with padding.
void append_base64(std::string_view bytes, std::string& out);

/// Reads base64 with padding and nothing else, no line breaks; unused bits must be zero, so that
/// no two texts mean the same bytes.
/// Errors: invalid_argument, naming the position.
Result<std::string> parse_base64(std::string_view text);

}  // namespace edgepost::wire
