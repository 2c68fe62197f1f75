#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// The delay after `failures` earlier failures in a row, counted from 0: exponential back-off with
/// full jitter (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). `random`
/// places it evenly between 0 and min(max_delay, initial_delay x multiplier^failures): 0 gives the
/// shortest, the largest value the longest.
inline Duration backoff_delay(const RetryPolicy& policy, unsigned failures, std::uint64_t random) {
  const auto max = static_cast<double>(policy.max_delay.count());
  const double grown = static_cast<double>(policy.initial_delay.count()) *
                       std::pow(policy.multiplier, static_cast<double>(failures));
  const double share = static_cast<double>(random) / static_cast<double>(UINT64_MAX);
  return Duration(static_cast<Duration::rep>(std::min(max, grown) * share));
}

}  // namespace edgepost
