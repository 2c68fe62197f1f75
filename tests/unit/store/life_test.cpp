#include "store/life.hpp"

#include <doctest.h>

#include <filesystem>
#include <optional>

#include "store/connection.hpp"
#include "store/stream_log.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;
using store::LifeClock;
using test::FakeClock;

namespace {

struct LifeFixture : test::GatewayFixture {
  /// The life at which the newest event was stored.
  Duration newest() {
    auto connection =
        store::Connection::open(options.database, "", store::Connection::Mode::read_only);
    REQUIRE(connection.is_ok());
    store::StreamLog log(1, {.name = "outbox"});
    store::ReadPosition position;
    Duration life = Duration::zero();
    while (true) {
      auto stored = log.read(*connection, position);
      REQUIRE(stored.is_ok());
      if (!stored->has_value()) return life;
      life = stored->value().life;
    }
  }

  /// How much life passes between two events when `happening` happens in between.
  template <typename Happening>
  Duration between(Happening happening) {
    publish("before");
    const Duration before = newest();
    happening();
    publish("after");
    return newest() - before;
  }
};

// The machine was off for a day and has been up again for so long.
void boot(FakeClock& clock, Duration ago) {
  clock.reboot(24h);
  clock.advance(ago);
}

}  // namespace

TEST_CASE("life: it goes on from the mark within one boot") {
  FakeClock clock;
  const LifeClock::Mark mark{100h, clock.since_boot()};
  clock.advance(5min);
  const LifeClock life(clock, 99h, mark);
  CHECK(life.now() == 100h + 5min);
  clock.advance(1s);
  clock.suspend(1min);
  CHECK(life.now() == 100h + 6min + 1s);
}

TEST_CASE("life: after a new start of the machine its uptime counts, the time without power not") {
  FakeClock clock;
  const LifeClock::Mark mark{100h, Instant(2h)};
  boot(clock, 30s);
  CHECK(LifeClock(clock, 99h, mark).now() == 100h + 30s);
  CHECK(LifeClock(clock, 101h, mark).now() == 101h + 30s);
}

TEST_CASE("life: it never begins before the newest life known, with a mark or without") {
  FakeClock clock;
  CHECK(LifeClock(clock, 7h, std::nullopt).now() == 7h);
  CHECK(LifeClock(clock, 7h, LifeClock::Mark{2h, clock.since_boot()}).now() == 7h);
}

TEST_CASE_FIXTURE(LifeFixture, "life: a database begins with none, and it grows while it is open") {
  open();
  CHECK(between([&] { clock.advance(90s); }) == 90s);
  CHECK(newest() == 90s);
}

TEST_CASE_FIXTURE(LifeFixture, "life: wall clock jumps of 50 years change nothing [P-40]") {
  open();
  for (const Duration jump : {Duration(24h * 365 * 50), Duration(-24h * 365 * 100)}) {
    CHECK(between([&] {
            clock.set_wall(clock.wall() + jump);
            clock.advance(3s);
          }) == 3s);
  }
}

TEST_CASE_FIXTURE(LifeFixture, "life: time asleep and time between two processes count [P-40]") {
  open();
  CHECK(between([&] { clock.suspend(8h); }) == 8h);
  CHECK(between([&] {
          close();
          clock.advance(20s);
          clock.suspend(1h);
          open();
        }) == 1h + 20s);
}

TEST_CASE_FIXTURE(LifeFixture, "life: after a reboot only the uptime counts [P-40]") {
  open();
  CHECK(between([&] {
          close();
          boot(clock, 45s);
          clock.set_wall(Timestamp{});
          open();
        }) == 45s);
}

TEST_CASE_FIXTURE(LifeFixture, "life: without the owner file it goes on from the newest event") {
  open();
  CHECK(between([&] {
          close();
          clock.advance(20s);
          std::filesystem::remove(options.database + "-owner");
          open();
          clock.advance(2s);
        }) == 2s);
}
