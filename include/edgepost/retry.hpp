#pragma once

#include "edgepost/time.hpp"

namespace edgepost {

/// How long to wait before trying again: exponential back-off with full jitter. The delay before
/// attempt n is drawn evenly from 0 to min(max_delay, initial_delay x multiplier^n).
struct RetryPolicy {
  Duration initial_delay = std::chrono::seconds(1);  ///< More than zero.
  Duration max_delay = std::chrono::minutes(5);      ///< At least initial_delay, at most 24 h.
  double multiplier = 2.0;                           ///< 1.0 or more.
  /// A connection that held this long was a good one: the next back-off starts anew. One that the
  /// upstream accepted and then dropped sooner counts as a failure. Uplinks only.
  Duration stable_after = std::chrono::seconds(30);
};

}  // namespace edgepost
