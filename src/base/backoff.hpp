#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "edgepost/platform.hpp"
#include "edgepost/retry.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// The delay after `failures` earlier failures in a row, counted from 0: back-off with full jitter
/// (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015). `random` places it
/// evenly between 0 and what the policy's strategy says, max_delay at most: 0 gives the shortest,
/// the largest value the longest.
inline Duration backoff_delay(const RetryPolicy& policy, unsigned failures, std::uint64_t random) {
  const auto max = static_cast<double>(policy.max_delay.count());
  const auto first = static_cast<double>(policy.initial_delay.count());
  const auto n = static_cast<double>(failures);
  const bool is_linear = policy.strategy == RetryStrategy::linear;
  const double grown = is_linear ? first * (1.0 + n) : first * std::pow(policy.multiplier, n);
  const double share = static_cast<double>(random) / static_cast<double>(UINT64_MAX);
  return Duration(static_cast<Duration::rep>(std::min(max, grown) * share));
}

/// The same with a random number from `source`.
inline Duration backoff_delay(const RetryPolicy& policy, unsigned failures, Random& source) {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  source.fill(RandomUse::jitter, bytes);
  return backoff_delay(policy, failures, std::bit_cast<std::uint64_t>(bytes));
}

}  // namespace edgepost
