// The power is cut at every call that a workload makes on its disk.
#include <doctest.h>

#include <vector>

#include "sim/campaign.hpp"

using namespace edgepost;
using sim::CutPolicy;
using test::Campaign;
using test::Config;

namespace {

std::vector<Config> configs() {
  std::vector<Config> all;
  for (const std::uint32_t sector : {512U, 4096U}) {
    for (const CutPolicy policy : {CutPolicy::random, CutPolicy::drop_all, CutPolicy::keep_all,
                                   CutPolicy::torn, CutPolicy::garbage}) {
      all.push_back({std::string(sim::to_string(policy)) + "-" + std::to_string(sector),
                     {.sector_bytes = sector},
                     policy,
                     1'000'000U * all.size()});
    }
  }
  return all;
}

}  // namespace

TEST_CASE(
    "power cut: nothing stored is lost, wherever it strikes "
    "[P-01] [P-02] [P-03] [P-04] [P-05] [P-06] [P-07] [P-10] [P-12]") {
  std::uint64_t number = 0;
  for (const Config& config : configs()) {
    const std::uint64_t stride = test::campaign_stride(number == 0 ? 1 : 31);
    Campaign campaign(config.name);
    campaign.run(test::calls_of(config), number++, stride,
                 [&config](std::uint64_t call) { return test::cut_at(config, call); });
  }
}

TEST_CASE(
    "power cut: a second one while the gateway recovers loses nothing either "
    "[P-01] [P-06]") {
  const std::uint64_t stride = test::campaign_stride(11);
  std::uint64_t first = 0;  // one first cut for each way to cut, all over the workload
  for (Config& config : configs()) {
    config.name += "-twice";
    Campaign campaign(config.name);
    const std::uint64_t calls = test::calls_of(config);
    campaign.run(calls, first += 79, calls, [&](std::uint64_t call) {
      std::uint64_t points = 0;
      const test::Outcome outcome = test::cut_twice_at(config, call, stride, points);
      campaign.add_points(points);
      return outcome;
    });
  }
}
