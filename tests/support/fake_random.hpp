#pragma once

#include "edgepost/sim/random.hpp"

namespace edgepost::test {

/// Random bytes from a seed.
using FakeRandom = sim::SeededRandom;

}  // namespace edgepost::test
