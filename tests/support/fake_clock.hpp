#pragma once

#include "edgepost/sim/clock.hpp"

namespace edgepost::test {

/// A clock that moves only when a test moves it.
using FakeClock = sim::VirtualClock;

}  // namespace edgepost::test
