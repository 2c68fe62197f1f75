#pragma once

#include <span>

#include "cli/config/config.hpp"
#include "cli/config/field.hpp"

namespace edgepost::cli {

/// What an uplink may have.
std::span<const Field<UplinkPlan>> uplink_fields();

}  // namespace edgepost::cli
