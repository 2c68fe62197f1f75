#pragma once

#include <string>
#include <vector>

#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// The numeric addresses of a host name, in the system's order of preference, at least one and at
/// most 8. A numeric address is its own.
/// Blocks: for the look-up. Errors: unavailable, with the resolver's words.
Result<std::vector<std::string>> resolve(const std::string& host);

}  // namespace edgepost::mqtt
