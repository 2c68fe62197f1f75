#pragma once

#include "edgepost/bus_options.hpp"

namespace edgepost::bus {

/// Checks all that can be wrong without knowing a bus. Errors: invalid_argument, naming the option.
Status validate(const SubscribeOptions& options);

}  // namespace edgepost::bus
