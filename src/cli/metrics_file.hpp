#pragma once

#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::cli {

/// Puts `text` in the place of the file at `path`, so that a reader sees the old text or the new
/// one and never a part. Not synced: metrics are not worth the flash.
/// Errors: io_error, naming the file.
Status replace_file(const std::string& path, std::string_view text);

/// Whether two paths lead to one file: metrics must not take the place of the database.
bool is_same_file(const std::string& path, const std::string& other);

}  // namespace edgepost::cli
