// The campaigns find what is planted: a campaign that stays green on these is broken.
#include <doctest.h>

#include <algorithm>
#include <string>

#include "sim/campaign.hpp"

using namespace edgepost;
using sim::CutPolicy;
using test::Config;
using test::Outcome;

namespace {

constexpr std::uint64_t kPointsMax = 1'000;

bool breaks(const Outcome& outcome, const std::string& promise) {
  return std::any_of(outcome.problems.begin(), outcome.problems.end(),
                     [&](const std::string& problem) { return problem.starts_with(promise); });
}

// The points it takes to find that the promise is broken; more than kPointsMax: not found.
std::uint64_t points_to_find(const Config& config, const std::string& promise) {
  const std::uint64_t calls = test::calls_of(config);
  std::uint64_t points = 0;
  while (points < kPointsMax) {
    const std::uint64_t call = points * 37 % calls;  // all over the workload
    ++points;
    if (breaks(test::cut_at(config, call), promise)) break;
  }
  MESSAGE(config.name << ": " << promise << " broken at point " << points);
  return points;
}

}  // namespace

TEST_CASE("calibration: a disk that lies about syncs is found out") {
  CHECK(points_to_find({.name = "lying", .disk = {.syncs = false}}, "P-01") < kPointsMax);
}

TEST_CASE("calibration: commits that are not synced are found out") {
  const Config normal{.name = "synchronous=NORMAL", .is_normal = true};
  CHECK(points_to_find(normal, "P-01") < kPointsMax);
}

TEST_CASE("calibration: directories that are not synced are found out") {
  const Config forgetful{.name = "no directory sync", .disk = {.syncs_directories = false}};
  CHECK(points_to_find(forgetful, "P-01") < kPointsMax);
}

TEST_CASE("calibration: a process that dies without a power cut shows none of it") {
  const Config killed{.name = "kill -9", .policy = CutPolicy::keep_all, .is_normal = true};
  const std::uint64_t calls = test::calls_of(killed);
  for (std::uint64_t call = 0; call < calls; call += 97) {
    CHECK(test::cut_at(killed, call).problems.empty());
  }
}
