#pragma once

namespace edgepost::sim {

/// How often a planned fault strikes.
enum class Repeat : unsigned char {
  once,     ///< The first call it applies to, and no other.
  forever,  ///< All calls it applies to, until clear_faults().
};

}  // namespace edgepost::sim
