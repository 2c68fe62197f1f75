#pragma once

#include <doctest.h>

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>

#include "support/edgepost_command.hpp"

namespace edgepost::test {

/// Readings of a real machine, and moments that depend on a seed alone. EDGEPOST_SEED repeats a
/// run as far as the machine's own timing lets it.
struct CrashFixture {
  EdgepostCommand command;
  Words series = lines_of(read_file(EDGEPOST_SERIES));
  std::uint32_t seed = chosen_seed();
  std::mt19937 generator{seed};

  CrashFixture() { MESSAGE("EDGEPOST_SEED=" << seed); }

  static std::uint32_t chosen_seed() {
    const char* const given = std::getenv("EDGEPOST_SEED");
    if (given == nullptr) return std::random_device{}();
    return static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10));
  }

  /// A number from `lowest` to `highest`.
  int any(int lowest, int highest) {
    return std::uniform_int_distribution<int>(lowest, highest)(generator);
  }
};

}  // namespace edgepost::test
