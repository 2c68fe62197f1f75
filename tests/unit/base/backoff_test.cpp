#include "base/backoff.hpp"

#include <doctest.h>

#include <chrono>
#include <cstdint>

namespace edgepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::uint64_t kMost = UINT64_MAX;

TEST_CASE("backoff: the longest delay grows by the multiplier up to the limit [P-31]") {
  const RetryPolicy policy{.initial_delay = milliseconds(500), .multiplier = 3.0};
  CHECK(backoff_delay(policy, 0, kMost) == milliseconds(500));
  CHECK(backoff_delay(policy, 1, kMost) == milliseconds(1'500));
  CHECK(backoff_delay(policy, 2, kMost) == milliseconds(4'500));
  CHECK(backoff_delay(policy, 6, kMost) == minutes(5));
  CHECK(backoff_delay(policy, 1'000'000, kMost) == minutes(5));
}

TEST_CASE("backoff: the random value places the delay evenly from 0 on [P-31]") {
  const RetryPolicy policy;
  CHECK(backoff_delay(policy, 3, 0) == Duration::zero());
  CHECK(backoff_delay(policy, 3, kMost / 4) == seconds(2));
  CHECK(backoff_delay(policy, 3, kMost / 2) == seconds(4));
}

TEST_CASE("backoff: a multiplier of 1 keeps the delay") {
  const RetryPolicy policy{.multiplier = 1.0};
  CHECK(backoff_delay(policy, 4'000'000'000U, kMost) == seconds(1));
}

TEST_CASE("backoff: the linear strategy adds the same each time, up to the limit") {
  const RetryPolicy policy{.strategy = RetryStrategy::linear, .initial_delay = seconds(2)};
  CHECK(backoff_delay(policy, 0, kMost) == seconds(2));
  CHECK(backoff_delay(policy, 1, kMost) == seconds(4));
  CHECK(backoff_delay(policy, 9, kMost) == seconds(20));
  CHECK(backoff_delay(policy, 1'000'000, kMost) == minutes(5));
}

}  // namespace
}  // namespace edgepost
