#include "uplink/health.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("health: each length of time is counted below its upper bound") {
  const auto bucket = [](Duration took) {
    Histogram histogram;
    record(histogram, took);
    std::size_t found = 0;
    while (histogram.counts[found] == 0)
      ++found;
    return found;
  };
  CHECK(bucket(Duration::zero()) == 0);
  CHECK(bucket(milliseconds(1)) == 0);
  Duration bound = milliseconds(1);
  for (std::size_t i = 0; i + 2 < Histogram::kBuckets; ++i) {
    CHECK(bucket(bound) == i);
    CHECK(bucket(bound + microseconds(1)) == i + 1);
    bound *= 4;
  }
  CHECK(bucket(hours(24 * 365)) == Histogram::kBuckets - 1);
}

TEST_CASE("health: a histogram has the sum of its times") {
  Histogram histogram;
  record(histogram, milliseconds(3));
  record(histogram, milliseconds(4));
  CHECK(histogram.sum == milliseconds(7));
  CHECK(histogram.counts[1] == 2);
}

TEST_CASE("health: the mean follows the answers") {
  Latency latency;
  CHECK(latency.mean() == Duration::zero());
  latency.answered(seconds(2));
  CHECK(latency.mean() == seconds(2));
  for (int i = 0; i < 100; ++i)
    latency.answered(milliseconds(10));
  CHECK(latency.mean() < milliseconds(50));
}

TEST_CASE("health: the score falls with refusals and slowness, and is never 0") {
  CHECK(score(100, milliseconds(20)) == 100);
  CHECK(score(50, milliseconds(20)) == 50);
  CHECK(score(100, seconds(4)) == 25);
  CHECK(score(0, hours(1)) == 1);
}

}  // namespace
}  // namespace edgepost
