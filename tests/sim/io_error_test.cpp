// Calls that a workload makes on its disk fail, one or from one on all. EDGEPOST_SIM_STRIDE=1 tries
// every call, which takes some minutes.
#include <doctest.h>

#include "sim/campaign.hpp"

using namespace edgepost;
using sim::Fault;
using sim::Repeat;
using test::Campaign;
using test::Config;

namespace {

void run(const std::string& name, Fault fault, Repeat repeat, std::uint64_t stride = 1) {
  const Config config{.name = name};
  Campaign campaign(name);
  const auto point = [&](std::uint64_t call) { return test::fail_at(config, call, fault, repeat); };
  campaign.run(test::calls_of(config), 0, test::campaign_stride(stride), point);
}

}  // namespace

TEST_CASE("io error: a call that fails once loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("io_error-once", Fault::io_error, Repeat::once, 5);
}

TEST_CASE("io error: a disk that fails for good loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("io_error-forever", Fault::io_error, Repeat::forever, 11);
}

TEST_CASE("io error: a disk that is full once loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("full-once", Fault::full, Repeat::once, 7);
  run("short_write-once", Fault::short_write, Repeat::once, 29);
}

TEST_CASE("io error: a disk that stays full loses nothing stored [P-01] [P-02] [P-03] [P-04]") {
  run("full-forever", Fault::full, Repeat::forever, 13);
  run("short_write-forever", Fault::short_write, Repeat::forever, 29);
}
