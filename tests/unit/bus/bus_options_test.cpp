#include "bus/bus_options.hpp"

#include <doctest.h>

#include <limits>
#include <string>

namespace edgepost::bus {
namespace {

// What is wrong with them; empty: nothing.
std::string wrong_with(const SubscribeOptions& options) {
  const Status status = validate(options);
  if (!status.is_ok()) CHECK(status.code() == Code::invalid_argument);
  return status.message();
}

TEST_CASE("bus options: the defaults and the ends of each range are right") {
  CHECK(wrong_with({}).empty());
  CHECK(wrong_with({.name = std::string(64, 'a'), .priority = 100}).empty());
  CHECK(wrong_with({.name = "log-2_b.c", .priority = -100}).empty());
  CHECK(wrong_with({.queue_capacity = 1}).empty());
  CHECK(wrong_with({.queue_capacity = 65'536}).empty());
}

TEST_CASE("bus options: what is wrong is named") {
  const std::string name = "name: at most 64 characters of a-z, 0-9, -, _, .";
  CHECK(wrong_with({.name = std::string(65, 'a')}) == name);
  CHECK(wrong_with({.name = "Log"}) == name);
  CHECK(wrong_with({.priority = 101}) == "priority: -100 to 100 is wanted");
  CHECK(wrong_with({.priority = -101}) == "priority: -100 to 100 is wanted");
  CHECK(wrong_with({.dead_band = -1}) == "dead_band: 0 or more is wanted");
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  CHECK(wrong_with({.dead_band = kInfinity}) == "dead_band: 0 or more is wanted");
  CHECK(wrong_with({.every = 0}) == "every: 1 or more is wanted");
  CHECK(wrong_with({.interval = Duration(-1)}) == "interval: 0 or more is wanted");
  CHECK(wrong_with({.queue_capacity = 0}) == "queue_capacity: 1 to 65536 is wanted");
  CHECK(wrong_with({.queue_capacity = 65'537}) == "queue_capacity: 1 to 65536 is wanted");
  CHECK(wrong_with({.slow_after = Duration(-1)}) == "slow_after: 0 or more is wanted");
  CHECK(wrong_with({.run = Run::own, .overflow = Overflow::spill}) ==
        "spill: empty, overflow needs a function");
}

}  // namespace
}  // namespace edgepost::bus
