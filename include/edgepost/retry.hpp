#pragma once

#include "edgepost/time.hpp"

namespace edgepost {

/// How delays grow.
enum class RetryStrategy : unsigned char {
  exponential,  ///< initial_delay x multiplier^n.
  linear,       ///< initial_delay x (1 + n).
};

/// How long to wait before trying again: back-off with full jitter. The delay before attempt n
/// (from 0) is drawn evenly from 0 to what `strategy` says, and max_delay at most.
struct RetryPolicy {
  RetryStrategy strategy = RetryStrategy::exponential;  ///< See RetryStrategy.
  Duration initial_delay = std::chrono::seconds(1);     ///< More than zero.
  Duration max_delay = std::chrono::minutes(5);         ///< At least initial_delay, at most 24 h.
  double multiplier = 2.0;                              ///< 1.0 or more; exponential only.
  /// A connection that held this long was a good one: the next back-off starts anew. One that the
  /// upstream accepted and then dropped sooner counts as a failure. Uplinks only.
  Duration stable_after = std::chrono::seconds(30);
};

}  // namespace edgepost
