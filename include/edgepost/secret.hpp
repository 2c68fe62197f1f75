#pragma once

#include <functional>
#include <string>

#include "edgepost/status.hpp"

namespace edgepost {

/// A password, token or key, and where it comes from: exactly one of the three. It is asked for
/// anew for each connection or request and never kept in clear in a database, log, error or status.
struct Secret {
  std::string value{};                            ///< The secret itself.
  std::string file{};                             ///< Its first line, without the line break.
  std::function<Result<std::string>()> source{};  ///< Asked on the uplink's thread; be brief.

  /// True when none of the three is set: there is no secret.
  [[nodiscard]] bool is_empty() const { return value.empty() && file.empty() && !source; }
};

/// Reads a secret. Blocks: for the file, or for `source`.
/// Errors: invalid_argument when more than one origin is set, for an empty secret and
/// one longer than 64 KiB; io_error, naming the file; what `source` returned.
Result<std::string> read_secret(const Secret& secret);

}  // namespace edgepost
