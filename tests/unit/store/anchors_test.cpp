#include "store/anchors.hpp"

#include <doctest.h>

#include <string>
#include <vector>

#include "store/connection.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

const Timestamp kMorning = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);

/// A gateway on a machine without a clock of its own: it starts in 1970.
struct AnchorsFixture : test::GatewayFixture {
  AnchorsFixture() { lose_time(); }

  void lose_time() {
    clock.set_wall(Timestamp{});
    clock.set_trusted(false);
  }

  void learn_time(Timestamp now) {
    clock.set_wall(now);
    clock.set_trusted(true);
  }

  void reboot() {
    close();
    clock.reboot(1h);
    lose_time();
    clock.advance(10s);
    open();
  }

  std::vector<Event> events() {
    auto read = gateway->read("outbox", Position::start());
    REQUIRE(read.is_ok());
    return *read;
  }

  std::int64_t rows() {
    auto connection =
        store::Connection::open(options.database, "", store::Connection::Mode::read_only);
    REQUIRE(connection.is_ok());
    return connection->integer("SELECT count(*) FROM edgepost_clock").value();
  }
};

}  // namespace

TEST_CASE_FIXTURE(AnchorsFixture,
                  "anchors: a time from before the clock was known is corrected [P-41]") {
  open();
  const Receipt receipt = publish("early");
  CHECK(events().front().time == Timestamp{});
  clock.advance(5min);
  learn_time(kMorning);
  gateway->step(clock.now());
  CHECK(events().front().time == kMorning - 5min);
  CHECK(events().front().id == receipt.id);
  Consumer cloud = consumer();
  CHECK(cloud.fetch()->front().time == kMorning - 5min);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: the correction is the same on every read [P-41]") {
  open();
  publish("early");
  clock.advance(5min);
  learn_time(kMorning);
  gateway->step(clock.now());
  clock.jump_wall(24h * 365);
  clock.advance(1h);
  publish("later");
  CHECK(events().front().time == kMorning - 5min);
  open();
  CHECK(events().front().time == kMorning - 5min);
  reboot();
  publish("lost again");
  learn_time(kMorning + 24h);
  gateway->step(clock.now());
  CHECK(events().front().time == kMorning - 5min);
  CHECK(events().back().time == kMorning + 24h);
  const auto reader = Gateway::open({.database = options.database, .access = Access::read});
  REQUIRE(reader.is_ok());
  CHECK((*reader)->read("outbox", Position::start())->front().time == kMorning - 5min);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: a replay from a time goes by corrected times [P-41]") {
  open();
  publish("early");
  clock.advance(5min);
  publish("later");
  learn_time(kMorning);
  gateway->step(clock.now());
  const auto replay =
      gateway->consumer("outbox", {.name = "replay", .from = Position::at(kMorning - 6min)});
  REQUIRE(replay.is_ok());
  CHECK(replay->status().floor == 0);
  const auto later =
      gateway->consumer("outbox", {.name = "later", .from = Position::at(kMorning - 1min)});
  REQUIRE(later.is_ok());
  CHECK(later->status().floor == 1);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: a dead letter's time is corrected too [P-41]") {
  open();
  publish("early");
  {
    Consumer cloud = consumer();
    REQUIRE(cloud.fetch()->size() == 1);
    REQUIRE(cloud.reject(1, "refused", "told to").is_ok());
    REQUIRE(gateway->flush().is_ok());
  }
  CHECK(gateway->dead_letters({})->front().event.time == Timestamp{});
  clock.advance(5min);
  learn_time(kMorning);
  gateway->step(clock.now());
  CHECK(gateway->dead_letters({})->front().event.time == kMorning - 5min);
  CHECK(*gateway->requeue({}) == 1);
  Consumer cloud = consumer();
  CHECK(cloud.fetch()->front().time == kMorning - 5min);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: two boots without a clock are corrected too [P-41]") {
  open();
  publish("first boot");
  clock.advance(1min);
  publish("still");
  reboot();
  publish("second boot");
  clock.advance(2min);
  open();  // a restart in between
  learn_time(kMorning);
  publish("known");
  const std::vector<Event> all = events();
  REQUIRE(all.size() == 4);
  CHECK(*all[1].time - *all[0].time == 1min);
  CHECK(*all[2].time - *all[1].time == 10s);  // the hour without power is not known
  CHECK(all[2].time == kMorning - 2min);
  CHECK(all[3].time == kMorning);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: a time that the publisher gave is left alone [P-41]") {
  open();
  REQUIRE(gateway->publish({.topic = "t", .data = "own", .time = Timestamp(42s)}).is_ok());
  publish("given");
  learn_time(kMorning);
  gateway->step(clock.now());
  CHECK(events()[0].time == Timestamp(42s));
  CHECK(events()[1].time == kMorning);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: what was buffered before is right at once [P-41]") {
  open();
  publish("early", Durability::buffered);
  clock.advance(3s);
  learn_time(kMorning);
  REQUIRE(gateway->flush().is_ok());
  CHECK(events().front().time == kMorning - 3s);
  CHECK(rows() == 0);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: without a guess nothing is written [P-23]") {
  clock.set_trusted(true);
  open();
  publish("known");
  const std::uint64_t before = gateway->status().writes.bytes;
  clock.set_trusted(false);
  CHECK(gateway->step(clock.now()) == clock.now() + std::chrono::seconds(1));
  clock.set_trusted(true);
  gateway->step(clock.now());
  CHECK(gateway->status().writes.bytes == before);
  CHECK(rows() == 0);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: a transaction's events are corrected as well [P-41]") {
  open();
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                return transaction.publish({.topic = "t", .data = "early"}).status();
              })
              .is_ok());
  clock.advance(1h);
  learn_time(kMorning);
  gateway->step(clock.now());
  CHECK(events().front().time == kMorning - 1h);
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: those that no event needs any more are forgotten") {
  open();
  Consumer cloud = consumer();
  for (int boot = 0; boot < 20; ++boot) {
    cloud = Consumer(nullptr);
    reboot();
    cloud = consumer();
    publish("early");
    clock.advance(1min);
    learn_time(kMorning + 24h * boot);
    publish("known");
    for (const Event& event : *cloud.fetch())
      REQUIRE(cloud.acknowledge(event.sequence).is_ok());
    REQUIRE(gateway->flush().is_ok());
  }
  CHECK(rows() <= 2);
  check_sound();
}

TEST_CASE_FIXTURE(AnchorsFixture, "anchors: a damaged anchor changes no time") {
  open();
  publish("early");
  learn_time(kMorning);
  gateway->step(clock.now());
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                return transaction.execute("UPDATE edgepost_clock SET wall_offset = 7", {});
              })
              .is_ok());
  open();
  CHECK(events().front().time == Timestamp{});
}
