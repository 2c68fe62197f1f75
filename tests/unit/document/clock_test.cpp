#include "document/clock.hpp"

#include <doctest.h>

namespace edgepost::document {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kBuild = std::chrono::sys_days(std::chrono::year(2026) / 11 / 1);
constexpr Timestamp kNow = std::chrono::sys_days(std::chrono::year(2027) / 2 / 1);
constexpr Timestamp k1970{};
constexpr Instant kBoot{5s};

TEST_CASE("clock: while the wall clock is not trusted, no time is before what is surely past") {
  HybridClock clock(kBuild, 0, kBoot);
  CHECK(clock.next(k1970, kBoot, 0) == at(kBuild));
  CHECK(clock.next(k1970, kBoot + 4s, 0) == at(kBuild + 4s));
  CHECK(clock.physical(k1970, kBoot + 4s) == kBuild + 4s);
}

TEST_CASE("clock: after a start it goes on behind what was reserved") {
  HybridClock clock(kBuild, at(kNow), kBoot);
  CHECK(clock.next(k1970, kBoot, 0) == at(kNow) + 1);
}

TEST_CASE("clock: once trusted it is the wall clock, as long as that goes forward") {
  HybridClock clock(kBuild, 0, kBoot);
  clock.trust(true);
  CHECK(clock.next(kNow, kBoot, 0) == at(kNow));
  CHECK(clock.next(kNow, kBoot, 0) == at(kNow) + 1);
  CHECK(clock.next(kNow - 1h, kBoot, 0) == at(kNow) + 2);
  CHECK(clock.next(kNow + 1s, kBoot, 0) == at(kNow + 1s));
}

TEST_CASE("clock: a write is later than all that it has seen") {
  HybridClock clock(kBuild, 0, kBoot);
  clock.observe(at(kNow) + 7);
  CHECK(clock.next(k1970, kBoot, 0) == at(kNow) + 8);
  CHECK(clock.next(k1970, kBoot, at(kNow) + 90) == at(kNow) + 91);
  CHECK(clock.last() == at(kNow) + 91);
}

TEST_CASE("clock: others' times are a source of time for who has none") {
  HybridClock clock(kBuild, 0, kBoot);
  clock.observe(at(kNow));
  CHECK(clock.physical(k1970, kBoot) >= kNow);
}

TEST_CASE("clock: a full count carries into the milliseconds") {
  HybridClock clock(kBuild, at(kNow) + 0xFFFF, kBoot);
  CHECK(clock.next(k1970, kBoot, 0) == at(kNow + 1ms));
}

}  // namespace
}  // namespace edgepost::document
