#pragma once

#include <cstddef>
#include <string>

#include "edgepost/status.hpp"

namespace edgepost::cli {

/// What stands in the file at `path`, which may be a pipe.
/// Errors: io_error, naming the file; invalid_argument: it has more than `bytes_max` bytes.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace edgepost::cli
