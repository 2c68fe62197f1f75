#include "edgepost/sim/clock.hpp"

#include <doctest.h>

using namespace edgepost;
using namespace std::chrono_literals;
using sim::VirtualClock;

namespace {

// The three clocks, as far as they have moved since the start.
struct Moved {
  explicit Moved(const VirtualClock& of)
      : clock(of), now(of.now()), boot(of.since_boot()), wall(of.wall()) {}
  void check(Duration by_now, Duration by_boot, Duration by_wall) const {
    CHECK(clock.now() - now == by_now);
    CHECK(clock.since_boot() - boot == by_boot);
    CHECK(clock.wall() - wall == by_wall);
  }
  const VirtualClock& clock;
  Instant now;
  Instant boot;
  Timestamp wall;
};

}  // namespace

TEST_CASE("virtual clock: time passes only when it is told to") {
  VirtualClock clock;
  const Moved moved(clock);
  moved.check(0s, 0s, 0s);
  clock.advance(5s);
  moved.check(5s, 5s, 5s);
}

TEST_CASE("virtual clock: a machine that sleeps stops the monotonic clock alone") {
  VirtualClock clock;
  const Moved moved(clock);
  clock.suspend(1h);
  moved.check(0s, 1h, 1h);
}

TEST_CASE("virtual clock: the wall clock jumps by any amount, and alone") {
  VirtualClock clock;
  const Moved moved(clock);
  constexpr Duration kYears = 50 * std::chrono::hours(8766);
  clock.jump_wall(kYears);
  moved.check(0s, 0s, kYears);
  clock.jump_wall(-2 * kYears);
  moved.check(0s, 0s, -kYears);
  clock.set_wall(Timestamp{});
  CHECK(clock.wall() == Timestamp{});
}

TEST_CASE("virtual clock: trust is given and taken without moving anything") {
  VirtualClock clock;
  const Moved moved(clock);
  CHECK(clock.wall_is_trusted());
  clock.set_trusted(false);
  CHECK_FALSE(clock.wall_is_trusted());
  moved.check(0s, 0s, 0s);
}

TEST_CASE("virtual clock: a reboot begins monotonic time anew and leaves the wall clock running") {
  VirtualClock clock;
  const Timestamp wall = clock.wall();
  clock.suspend(1min);
  clock.reboot(10min);
  CHECK(clock.now() == Instant{});
  CHECK(clock.since_boot() == Instant{});
  CHECK(clock.wall() - wall == 11min);
}
