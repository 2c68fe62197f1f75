#include "store/room.hpp"

#include <doctest.h>

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
  std::uint64_t used = 0;
  for (const auto& [name, content] : disk.image())
    used += content.size();
  disk.set_capacity(used);
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
  std::uint64_t used = 0;
  close();
  for (const auto& [name, content] : disk.image())
    used += content.size();
  disk.set_capacity(used);
  open();
  Consumer cloud = consumer();
  CHECK(gateway->status().is_reserve_used);
  CHECK(drain(cloud) == stored);
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
