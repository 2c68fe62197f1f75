#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "cli/options.hpp"

namespace edgepost::cli {

/// The table of `edgepost sync`.
std::span<const Option> sync_options();

/// The uplink that the options describe, but for its streams. Everything is checked, files are
/// read, and every transport is made once with a stand-in for what only the database knows.
/// Errors: each names its option; invalid_argument is bad usage.
Result<UplinkPlan> sync_plan(const Options& options, const Platform& platform);

}  // namespace edgepost::cli
