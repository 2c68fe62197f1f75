#include "store/room.hpp"

#include <doctest.h>
#include <sqlite3.h>

#include "edgepost/sim/disk.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using edgepost::test::balances;
using edgepost::test::GatewayFixture;

namespace {

// A gateway on a small disk in memory.
struct SmallDisk : GatewayFixture {
  SmallDisk() {
    options.database = "/gateway.db";
    options.platform.vfs = disk.name();
    options.reserve_bytes = GatewayOptions{}.reserve_bytes;
  }
  ~SmallDisk() { close(); }

  // Publishes until it is refused; how many times it was not.
  std::size_t fill(std::size_t bytes = 1'000) {
    for (std::size_t count = 0;; ++count) {
      auto receipt = gateway->publish({.topic = "t", .data = std::string(bytes, 'x')});
      if (receipt) continue;
      refusal = receipt.status();
      CHECK(refusal.code() == Code::full);
      return count;
    }
  }

  // Acknowledges everything, as a consumer in a main loop.
  std::size_t drain(Consumer& from) {
    for (std::size_t count = 0;; clock.advance(options.ack_flush)) {
      auto events = from.fetch({.events = 50, .bytes = 1U << 20U});
      REQUIRE(events.is_ok());
      for (const Event& event : *events)
        REQUIRE(from.acknowledge(event.sequence).is_ok());
      gateway->step(clock.now());
      if (events->empty()) return count;
      count += events->size();
    }
  }

  // Publishes `count` events of 1 KB and acknowledges all but the last `kept` of them.
  void come_and_go(std::size_t count, std::size_t kept) {
    Consumer cloud = consumer();
    for (std::size_t i = 0; i < count; ++i)
      publish(std::string(1'000, static_cast<char>('a' + i % 26)));
    const std::uint64_t last = outbox().next_sequence - 1 - kept;
    for (std::uint64_t reached = 0; reached < last;) {
      auto events = cloud.fetch({.events = 50, .bytes = 1U << 20U});
      REQUIRE(events.is_ok());
      REQUIRE_FALSE(events->empty());
      for (const Event& event : *events) {
        reached = event.sequence;
        if (reached <= last) REQUIRE(cloud.acknowledge(reached).is_ok());
      }
    }
    REQUIRE(gateway->flush().is_ok());
  }

  std::uint64_t shrink() {
    const auto bytes = gateway->shrink();
    INFO(bytes.status().message());
    REQUIRE(bytes.is_ok());
    return *bytes;
  }

  std::uint64_t used() {
    std::uint64_t bytes = 0;
    for (const auto& [name, content] : disk.image())
      bytes += content.size();
    return bytes;
  }

  std::uint64_t size_of(const std::string& suffix) {
    return disk.image()[options.database + suffix].size();
  }

  sim::Disk disk;
  Status refusal;
};

}  // namespace

TEST_CASE_FIXTURE(SmallDisk, "room: a full disk is drained, and takes events again [P-01]") {
  disk.set_capacity(8U << 20U);
  open();
  const std::size_t stored = fill();
  CHECK(stored > 3'000);
  Consumer cloud = consumer();  // may be new: its events wait for it
  CHECK(drain(cloud) == stored);
  CHECK(outbox().ledger.acknowledged == stored);
  CHECK(outbox().first_sequence == stored + 1);
  CHECK(fill() > stored / 2);  // into the pages that are free now
  CHECK(balances(outbox().ledger));
  check_sound();
}

TEST_CASE_FIXTURE(SmallDisk,
                  "room: what is full from outside keeps the reserve until it is needed") {
  open();
  Consumer cloud = consumer();
  publish_many(1, 3);
  disk.set_capacity(used());
  fill();
  CHECK_FALSE(gateway->status().is_reserve_used);
  drain(cloud);
  REQUIRE(gateway->flush().is_ok());
  disk.set_capacity(0);
  clock.advance(std::chrono::minutes(10));
  publish("again");
  CHECK_FALSE(gateway->status().is_reserve_used);
  CHECK(size_of("-reserve") == options.reserve_bytes);
}

TEST_CASE_FIXTURE(SmallDisk, "room: a gateway opens on a full disk and drains it") {
  open();
  const std::size_t stored = 2'000;
  for (std::size_t i = 0; i < stored; ++i)
    publish(std::string(1'000, 'x'));
  close();
  disk.set_capacity(used());
  open();
  Consumer cloud = consumer();
  CHECK(gateway->status().is_reserve_used);
  GatewayOptions look = options;
  look.access = Access::read;
  CHECK((*Gateway::open(look))->status().is_reserve_used);
  CHECK(drain(cloud) == stored);
}

TEST_CASE_FIXTURE(SmallDisk, "room: who looks before the first commit sees the reserve in place") {
  const auto owner = Gateway::open(options);  // open() of the fixture commits
  REQUIRE(owner.is_ok());
  CHECK_FALSE((*owner)->status().is_reserve_used);
  GatewayOptions look = options;
  look.access = Access::read;
  CHECK_FALSE((*Gateway::open(look))->status().is_reserve_used);
}

TEST_CASE_FIXTURE(SmallDisk, "room: an idle gateway on a full disk writes nothing [P-23]") {
  disk.set_capacity(8U << 20U);
  open();
  fill();
  Consumer cloud = consumer();
  drain(cloud);
  const std::uint64_t bytes = gateway->status().writes.bytes;
  for (int hour = 0; hour < 24; ++hour) {
    clock.advance(std::chrono::hours(1));
    gateway->step(clock.now());
  }
  CHECK(gateway->status().writes.bytes == bytes);
}

TEST_CASE_FIXTURE(SmallDisk, "room: the file and its log stay below disk_bytes_max [P-21]") {
  options.disk_bytes_max = 4U << 20U;
  for (const std::size_t bytes : {100U, 1'000U, 30'000U, 200'000U}) {
    disk.restore({});
    open();
    for (int round = 0; round < 3; ++round) {
      fill(bytes);
      CHECK(refusal.message().starts_with("disk_bytes_max"));
      CHECK(size_of("") + size_of("-wal") <= options.disk_bytes_max);
      Consumer cloud = consumer();
      drain(cloud);
      CHECK(size_of("") + size_of("-wal") <= options.disk_bytes_max + (1U << 20U));
    }
    CHECK(outbox().ledger.published > (2U << 20U) / bytes);
    close();
  }
}

TEST_CASE_FIXTURE(SmallDisk, "room: a buffered event waits until there is room for it [P-07]") {
  options.disk_bytes_max = 4U << 20U;
  open();
  Consumer cloud = consumer();
  const std::size_t stored = fill();
  publish("waits", Durability::buffered);
  CHECK(gateway->flush().code() == Code::full);
  CHECK(drain(cloud) == stored + 1);
  CHECK(gateway->flush().is_ok());
}

TEST_CASE_FIXTURE(SmallDisk, "room: the status tells the log, the free pages, the checkpoints") {
  open();
  Consumer cloud = consumer();
  for (int i = 0; i < 2'000; ++i)
    publish(std::string(1'000, 'x'));
  GatewayStatus status = gateway->status();
  CHECK(status.log_bytes == size_of("-wal"));
  CHECK(status.log_bytes < 1'300'000);
  CHECK(status.writes.checkpoints > 2);
  CHECK(status.free_bytes == 0);
  drain(cloud);
  status = gateway->status();
  CHECK(status.free_bytes > 1'500'000);
  CHECK(status.free_bytes < status.database_bytes);
}

TEST_CASE_FIXTURE(SmallDisk, "room: the file is used again, whatever comes and goes") {
  open();
  come_and_go(500, 0);
  const std::uint64_t once = size_of("");
  for (int round = 0; round < 10; ++round)
    come_and_go(500, 0);
  CHECK(size_of("") < once + 100'000);
}

TEST_CASE_FIXTURE(SmallDisk,
                  "room: shrinking gives back what was drained, and nothing else [P-01]") {
  open();
  come_and_go(3'000, 20);
  const auto pending = stored();
  const Ledger ledger = outbox().ledger;
  const std::uint64_t before = size_of("") + size_of("-wal");
  CHECK(before > 3'000'000);
  const std::uint64_t given_back = shrink();
  CHECK(given_back == before - size_of("") - size_of("-wal"));
  CHECK(size_of("") < 200'000);
  CHECK(size_of("-wal") == 0);
  CHECK(gateway->status().free_bytes == 0);
  CHECK(stored() == pending);
  CHECK(outbox().ledger == ledger);
  CHECK(publish("next").sequence == 3'001);
  Consumer cloud = consumer();
  CHECK(drain(cloud) == 21);
  check_sound();
  CHECK(shrink() > 0);
  const std::uint64_t bytes = gateway->status().writes.bytes;
  CHECK(shrink() == 0);                                   // nothing is free
  CHECK(gateway->status().writes.bytes < bytes + 2'100);  // a stamp in the owner file
}

TEST_CASE_FIXTURE(SmallDisk, "room: a power cut in the midst of shrinking harms nothing [P-01]") {
  open();
  come_and_go(600, 15);
  const auto pending = stored();
  const Ledger ledger = outbox().ledger;
  close();
  const sim::DiskImage image = disk.image();
  open();
  const std::uint64_t first = disk.calls();
  shrink();
  const std::uint64_t count = disk.calls() - first;
  CHECK(count > 100);
  for (std::uint64_t call = 0; call < count; call += 3) {
    INFO("call " << call);
    close();
    disk.restore(image);
    open();
    const auto policy = call % 2 == 0 ? sim::CutPolicy::torn : sim::CutPolicy::drop_all;
    disk.cut_power_at(disk.calls() + call, {policy, call + 1});
    static_cast<void>(gateway->shrink());
    CHECK_FALSE(disk.is_on());
    close();
    disk.power_on();
    open();
    CHECK_FALSE(gateway->status().damage.has_value());
    CHECK(stored() == pending);
    CHECK(outbox().ledger == ledger);
    check_sound();
  }
}

TEST_CASE_FIXTURE(SmallDisk, "room: a full disk is shrunk into what the reserve leaves") {
  disk.set_capacity(8U << 20U);
  open();
  Consumer cloud = consumer();
  fill();
  drain(cloud);
  publish("stays");
  CHECK(shrink() > 4'000'000);
  CHECK(stored() == std::vector<std::string>{"stays"});
  CHECK_FALSE(gateway->status().is_reserve_used);
  CHECK(size_of("-reserve") == options.reserve_bytes);
  CHECK(fill() > 3'000);
}

TEST_CASE_FIXTURE(SmallDisk, "room: the reserve is there for shrinking") {
  open();
  come_and_go(3'000, 700);
  const auto pending = stored();
  disk.set_capacity(used());
  CHECK(shrink() > 2'000'000);
  CHECK(stored() == pending);
  CHECK(size_of("-reserve") == options.reserve_bytes);
}

TEST_CASE_FIXTURE(SmallDisk, "room: what finds no room to shrink stays as it is") {
  open();
  come_and_go(6'000, 4'000);
  const auto pending = stored();
  disk.set_capacity(used());
  CHECK(gateway->shrink().status().code() == Code::full);
  CHECK(stored() == pending);
  CHECK(size_of("-wal") < 1'500'000);
  publish("goes on");
  check_sound();
  disk.set_capacity(0);
  CHECK(shrink() > 1'000'000);
  CHECK(stored().size() == pending.size() + 1);
}

TEST_CASE_FIXTURE(SmallDisk, "room: shrinking respects disk_bytes_max [P-21]") {
  options.disk_bytes_max = 8U << 20U;
  open();
  const std::size_t stored = fill();
  close();
  open();
  Consumer cloud = consumer();
  for (std::size_t i = 0; i < stored / 10; ++i)
    REQUIRE(cloud.acknowledge((*cloud.fetch({.events = 1}))[0].sequence).is_ok());
  const auto bytes = gateway->shrink();
  CHECK(bytes.status().code() == Code::full);
  CHECK(bytes.status().message().starts_with("disk_bytes_max"));
  drain(cloud);
  CHECK(shrink() > 4'000'000);
}

TEST_CASE_FIXTURE(SmallDisk, "room: who reads for long keeps the log, and nothing is lost") {
  open();
  come_and_go(1'000, 10);
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open_v2(options.database.c_str(), &db, SQLITE_OPEN_READONLY,
                          disk.name().c_str()) == SQLITE_OK);
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, "SELECT * FROM sqlite_schema", -1, &statement, nullptr);
  REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
  publish("newer than what is read");
  CHECK(gateway->shrink().status().code() == Code::busy);
  sqlite3_finalize(statement);
  sqlite3_close(db);
  CHECK(shrink() > 800'000);
  CHECK(stored().size() == 11);
}

TEST_CASE_FIXTURE(GatewayFixture, "room: shrinking is for the owner, and between transactions") {
  open();
  CHECK(gateway
            ->transact([&](Transaction& transaction) -> Status {
              CHECK(gateway->shrink().status().code() == Code::wrong_state);
              return transaction.execute("CREATE TEMP TABLE mine (x)");
            })
            .is_ok());
  publish(std::string(100'000, 'x'));
  Consumer cloud = consumer();
  fetch(cloud, 1);
  REQUIRE(cloud.acknowledge(1).is_ok());
  const auto refused = gateway->shrink();
  CHECK(refused.status().code() == Code::wrong_state);
  CHECK(refused.status().message().find("temporary tables") != std::string::npos);
  options.access = Access::read;
  close();
  CHECK(open().shrink().status().code() == Code::wrong_state);
}
