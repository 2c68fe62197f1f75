#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "edgepost/gateway.hpp"
#include "edgepost/status.hpp"

namespace edgepost::cli {

/// What the store takes in one commit.
inline constexpr std::size_t kBatchBytesMax = 256 * 1024;

/// Opens a database as its owner, and says on standard error what opening found damaged.
/// Errors: those of Gateway::open.
Result<std::unique_ptr<Gateway>> open_as_owner(const GatewayOptions& options);

/// For what makes no sense in a database that opening would have to make first.
/// Errors: not_found when there is no such file, or an empty one.
Status check_exists(const std::string& path);

/// What is told of a damaged database, without a line feed; empty when nothing was damaged.
std::string damage_line(const std::string& database, const GatewayStatus& status);

}  // namespace edgepost::cli
