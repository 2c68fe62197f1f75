#include "store/store.hpp"

#include <doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <set>
#include <thread>

#include "on_watched_disk.hpp"

using namespace edgepost;
using test::balances;
using test::GatewayFixture;
using test::OnWatchedDisk;
using Texts = std::vector<std::string>;

namespace {

// Runs `work` in a child process that dies without closing anything, as after kill -9.
template <typename Work>
void in_a_process_that_dies(const Work& work) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    work();
    ::_exit(7);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 7);
}

}  // namespace

TEST_CASE_FIXTURE(GatewayFixture, "store: what was stored is there after the process died [P-01]") {
  in_a_process_that_dies([this] {
    open();
    publish_many(1, 20);
  });
  open();
  CHECK(stored().size() == 20);
  CHECK(publish("21").sequence == 21);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "store: what flush stored is there after a crash [P-07]") {
  in_a_process_that_dies([this] {
    open();
    publish("buffered", Durability::buffered);
    publish("buffered too", Durability::buffered);
    REQUIRE(gateway->flush().is_ok());
    publish("not flushed", Durability::buffered);
  });
  open();
  CHECK(stored() == Texts{"buffered", "buffered too"});
}

TEST_CASE_FIXTURE(GatewayFixture, "store: a buffered event is stored within flush_interval") {
  open();
  publish("a", Durability::buffered);
  CHECK(stored().empty());
  gateway->step(clock.now());
  CHECK(stored().empty());
  clock.advance(options.flush_interval);
  gateway->step(clock.now());
  CHECK(stored() == Texts{"a"});
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "store: a buffered event stays before a later stored one [P-10]") {
  open();
  publish("first", Durability::buffered);
  CHECK(publish("second").sequence == 2);
  CHECK(stored() == Texts{"first", "second"});
}

TEST_CASE_FIXTURE(GatewayFixture, "store: a full buffer is stored at once") {
  options.buffer_bytes_max = 10;
  open();
  publish("123456", Durability::buffered);
  publish("789012", Durability::buffered);
  CHECK(stored() == Texts{"123456", "789012"});
}

TEST_CASE_FIXTURE(GatewayFixture, "store: an event leaves only when all consumers have it [P-05]") {
  open();
  Consumer fast = consumer("fast");
  Consumer slow = consumer("slow");
  publish_many(1, 3);
  REQUIRE(fetch(fast, 3).size() == 3);
  for (const std::uint64_t sequence : {1U, 2U, 3U})
    REQUIRE(fast.acknowledge(sequence).is_ok());
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored() == Texts{"1", "2", "3"});
  REQUIRE(fetch(slow, 2) == Texts{"1", "2"});
  REQUIRE(slow.acknowledge(1).is_ok());
  REQUIRE(slow.acknowledge(2).is_ok());
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored() == Texts{"3"});
  CHECK(outbox().ledger == Ledger{.published = 3, .acknowledged = 2, .pending = 1});
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "store: a stream without consumers keeps everything [P-05]") {
  open();
  publish_many(1, 5);
  REQUIRE(gateway->flush().is_ok());
  open();
  Consumer late = consumer();
  CHECK(fetch(late, 10) == Texts{"1", "2", "3", "4", "5"});
}

TEST_CASE_FIXTURE(GatewayFixture, "store: sequences go on after everything was trimmed [P-12]") {
  open();
  {
    Consumer cloud = consumer();
    publish_many(1, 3);
    fetch(cloud, 3);
    for (const std::uint64_t sequence : {1U, 2U, 3U})
      REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  open();
  CHECK(outbox().ledger.pending == 0);
  CHECK(publish("4").sequence == 4);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "store: the books balance through crashes and repeats [P-04]") {
  std::mt19937 random(20261121);  // the same story each time
  for (int round = 0; round < 12; ++round) {
    in_a_process_that_dies([&] {
      open();
      Consumer cloud = consumer();
      for (int i = 0; i < 30; ++i) {
        if (random() % 2 == 0) publish("x");
        auto events = cloud.fetch({.events = 1 + random() % 3});
        for (const Event& event : *events) {
          if (random() % 3 != 0) (void)cloud.acknowledge(event.sequence);
        }
        if (random() % 5 == 0) cloud.rewind();
        if (random() % 7 == 0) (void)gateway->flush();
        if (!balances(outbox().ledger)) ::_exit(1);
      }
    });
    random.discard(static_cast<unsigned>(round) * 131);
    open();
    CHECK(balances(outbox().ledger));
    check_sound();
    close();
  }
}

TEST_CASE_FIXTURE(GatewayFixture, "store: large and small events share a stream [P-10]") {
  open();
  const Texts sizes = {std::string(40'000, 'a'), "b", std::string(200'000, 'c'), "d",
                       std::string(20'000, 'e')};
  REQUIRE(gateway
              ->transact([&](Transaction& transaction) {
                for (const std::string& data : sizes) {
                  if (auto receipt = transaction.publish({.topic = "t", .data = data}); !receipt) {
                    return receipt.status();
                  }
                }
                return Status();
              })
              .is_ok());
  CHECK(stored() == sizes);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "store: reading respects its limits but always advances") {
  open();
  publish_many(1, 9);
  publish(std::string(5'000, 'x'));
  const auto read = [this](std::uint64_t from, ReadLimits limits) {
    auto events = gateway->read("outbox", Position{from}, limits);
    REQUIRE(events.is_ok());
    return events->size();
  };
  CHECK(read(1, {.events = 4, .bytes = 1'000'000}) == 4);
  CHECK(read(1, {.events = 100, .bytes = 1}) == 1);
  CHECK(read(10, {.events = 1, .bytes = 1}) == 1);
  CHECK(read(11, {}) == 0);
}

TEST_CASE_FIXTURE(OnWatchedDisk, "store: nothing is written while nothing happens [P-23]") {
  open();
  Consumer cloud = consumer();
  publish_many(1, 3);
  fetch(cloud, 3);
  REQUIRE(cloud.acknowledge(1).is_ok());
  for (int i = 0; i < 3; ++i) {
    clock.advance(std::chrono::seconds(1));
    gateway->step(clock.now());
  }
  const std::uint64_t before = disk.writes;
  for (int hour = 0; hour < 24; ++hour) {
    clock.advance(std::chrono::hours(1));
    const Instant now = clock.now();
    CHECK(gateway->step(now) == now + std::chrono::seconds(1));  // looks for an operator
  }
  CHECK(disk.writes == before);
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "store: jumps of the wall clock hasten and delay nothing [P-40]") {
  open();
  publish("a", Durability::buffered);
  clock.set_wall(clock.wall() + std::chrono::hours(24 * 365 * 50));
  gateway->step(clock.now());
  CHECK(stored().empty());
  clock.set_wall(Timestamp{} - std::chrono::hours(24 * 365 * 50));
  clock.advance(options.flush_interval);
  gateway->step(clock.now());
  CHECK(stored() == Texts{"a"});
}
