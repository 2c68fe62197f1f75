// SQLite's requests for memory fail, one or from one on all.
#include <doctest.h>

#include "sim/campaign.hpp"

using namespace edgepost;
using sim::Repeat;
using test::Campaign;
using test::Config;

namespace {

void run(const std::string& name, Repeat repeat, std::uint64_t stride) {
  const Config config{.name = name, .rounds = 5};
  Campaign campaign(name);
  const auto point = [&](std::uint64_t request) {
    return test::starve_at(config, request, repeat);
  };
  campaign.run(test::requests_of(config), 0, test::campaign_stride(stride), point);
}

}  // namespace

TEST_CASE("memory: a request that fails once loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("memory-once", Repeat::once, 41);
}

TEST_CASE("memory: none from some point on loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("memory-forever", Repeat::forever, 97);
}
