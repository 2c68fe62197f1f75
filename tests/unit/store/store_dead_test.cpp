#include <doctest.h>

#include <filesystem>

#include "edgepost/sim/disk.hpp"
#include "support/fake_clock.hpp"
#include "support/gateway_fixture.hpp"
#include "support/set_aside.hpp"
#include "support/watched_disk.hpp"

using namespace edgepost;
using namespace edgepost::test;
using Sequences = std::vector<std::uint64_t>;

namespace {

/// A store on a watched disk, with what it says to its gateway.
struct StoreDeadFixture {
  StoreDeadFixture() {
    options.database = dir.file("gateway.db");
    options.platform.clock = &clock;
    options.platform.vfs = disk.name();
    open();
  }
  ~StoreDeadFixture() {
    cloud.reset();
    store.reset();
  }

  void open() {
    cloud.reset();
    store.reset();
    store = open_store(options, {[this](store::StreamLog&) { ++wakes; }, [this] { ++dues; }});
    cloud = open_consumer(*store, "cloud");
  }

  void append(int count) {
    store::StreamLog* const outbox = *store->stream("outbox");
    for (int i = 0; i < count; ++i) {
      Event event{.topic = "t", .data = "x", .type = "x", .source = "/gw"};
      event.time = Timestamp{};
      REQUIRE(store->append(std::span(&outbox, 1), event, std::nullopt).is_ok());
    }
  }

  void acknowledge(const std::shared_ptr<Consumer::State>& consumer, std::uint64_t sequence) {
    consumer->cursor->settle(sequence, store::Outcome::acknowledged);
    store->acknowledged(*consumer->cursor);
  }

  void bury(std::uint64_t sequence) {
    give_up(*store, cloud, sequence);
    REQUIRE(store->flush().is_ok());
  }

  Ledger ledger() { return (*store->stream("outbox"))->status().ledger; }

  Sequences dead() {
    Sequences sequences;
    const auto letters = store->dead_letters({}, 1'000);
    REQUIRE(letters.is_ok());
    for (const DeadLetter& letter : *letters)
      sequences.push_back(letter.event.sequence);
    return sequences;
  }

  Sequences requeued(std::uint64_t after = 0) {
    Sequences sequences;
    const auto events = store->requeued(cloud->stream, *cloud->cursor, after, 1'000);
    REQUIRE(events.is_ok());
    for (const Event& event : *events)
      sequences.push_back(event.sequence);
    return sequences;
  }

  GatewayOptions beside() {
    GatewayOptions other = options;
    other.access = Access::operate;
    return other;
  }

  TempDir dir;
  FakeClock clock;
  WatchedDisk disk;
  GatewayOptions options;
  int wakes = 0;
  int dues = 0;
  std::unique_ptr<store::Store> store;
  std::shared_ptr<Consumer::State> cloud;
};

}  // namespace

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: an event given up is set aside within a step") {
  append(3);
  store->step(clock.now());
  give_up(*store, cloud, 2);
  CHECK(dues > 0);
  CHECK(dead().empty());
  CHECK_FALSE(cloud->cursor->is_done(2));
  store->step(clock.now());
  CHECK(dead() == Sequences{2});
  CHECK(cloud->cursor->is_done(2));
  CHECK(ledger().dead == 1);
  CHECK(ledger().pending == 2);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: one poison event does not stop others") {
  append(3);
  bury(1);
  acknowledge(cloud, 2);
  acknowledge(cloud, 3);
  REQUIRE(store->flush().is_ok());
  CHECK(ledger().acknowledged == 2);
  CHECK(ledger().dead == 1);
  CHECK(ledger().pending == 0);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: on a full disk the event stays pending [P-01]") {
  append(2);
  disk.writes_left = 0;
  give_up(*store, cloud, 1);
  CHECK(store->flush().code() == Code::full);
  CHECK_FALSE(cloud->cursor->is_done(1));
  CHECK(ledger().pending == 2);
  disk.writes_left = -1;
  clock.advance(options.ack_flush);
  store->step(clock.now());
  CHECK(dead() == Sequences{1});
  CHECK(ledger().dead == 1);
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: what a closed consumer gave up stays pending") {
  append(1);
  give_up(*store, cloud, 1);
  cloud.reset();
  REQUIRE(store->flush().is_ok());
  CHECK(dead().empty());
  CHECK(ledger().pending == 1);
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: the books of a new life have the dead [P-04]") {
  append(3);
  bury(2);
  const auto report = store->verify();
  REQUIRE(report.is_ok());
  CHECK(report->problems.empty());
  open();
  CHECK(dead() == Sequences{2});
  CHECK(ledger().dead == 1);
  CHECK(ledger().pending == 2);
  CHECK(cloud->cursor->is_done(2));
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: the last consumer to finish decides [P-04]") {
  const auto local = open_consumer(*store, "local");
  append(2);
  bury(1);
  CHECK(ledger().pending == 2);
  acknowledge(local, 1);
  acknowledge(local, 2);
  bury(2);
  CHECK(ledger().acknowledged == 1);
  CHECK(ledger().dead == 1);
  CHECK(balances(ledger()));
  CHECK(*store->purge({}) == 2);
  CHECK(ledger().acknowledged == 1);
  CHECK(ledger().dropped.purged == 1);
  CHECK(ledger().dead == 0);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture,
                  "store dead: two that give up in one commit count once [P-04]") {
  const auto local = open_consumer(*store, "local");
  append(1);
  give_up(*store, local, 1);
  bury(1);
  CHECK(dead() == Sequences{1, 1});
  CHECK(ledger().dead == 1);
  CHECK(balances(ledger()));
  CHECK(*store->purge({}) == 2);
  CHECK(ledger().dead == 0);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture,
                  "store dead: one that a later consumer gives up too counts once [P-04]") {
  append(3);
  bury(2);
  const auto late = open_consumer(*store, "late");
  give_up(*store, late, 2);
  REQUIRE(store->flush().is_ok());
  CHECK(ledger().dead == 1);
  CHECK(ledger().pending == 2);
  CHECK(balances(ledger()));
  for (const auto& consumer : {cloud, late})
    acknowledge(consumer, 1);
  REQUIRE(store->flush().is_ok());
  CHECK(ledger().acknowledged == 1);
  CHECK(ledger().dead == 1);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: purging what others still want keeps the books") {
  const auto local = open_consumer(*store, "local");
  append(1);
  bury(1);
  CHECK(*store->purge({}) == 1);
  CHECK(ledger().pending == 1);
  CHECK(ledger().dropped.purged == 0);
  acknowledge(local, 1);
  REQUIRE(store->flush().is_ok());
  CHECK(ledger().pending == 0);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: requeued ones come in order, until delivered") {
  append(3);
  for (const std::uint64_t sequence : {3U, 1U, 2U})
    bury(sequence);
  wakes = 0;
  CHECK(*store->requeue({}) == 3);
  CHECK(wakes > 0);
  CHECK(ledger().pending == 3);
  CHECK(requeued() == Sequences{1, 2, 3});
  CHECK(requeued(2) == Sequences{3});
  store->redelivered(cloud->stream, *cloud->cursor, 1);
  CHECK(requeued() == Sequences{2, 3});
  store->step(clock.now());
  CHECK(dead() == Sequences{2, 3});
  CHECK(ledger().acknowledged == 1);
  CHECK(ledger().pending == 2);
  CHECK(balances(ledger()));
  bury(2);  // it fails again
  CHECK(requeued() == Sequences{3});
  CHECK(ledger().dead == 1);
  CHECK(store->dead_letters({}, 1)->front().attempts == 6);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: an operator works beside the owner") {
  append(3);
  for (const std::uint64_t sequence : {1U, 2U, 3U})
    bury(sequence);
  const auto other = open_store(beside());
  CHECK(*other->requeue({.sequences = {2}}) == 1);
  CHECK(*other->purge({.sequences = {3}}) == 1);
  GatewayStatus seen;
  REQUIRE(other->fill(seen).is_ok());
  CHECK(seen.streams.front().ledger.dropped.purged == 1);
  CHECK(seen.streams.front().ledger.pending == 1);
  CHECK(balances(seen.streams.front().ledger));
  wakes = 0;
  clock.advance(std::chrono::seconds(1));
  store->step(clock.now());
  CHECK(wakes == 1);
  CHECK(requeued() == Sequences{2});
  CHECK(ledger() == seen.streams.front().ledger);
  append(1);
  CHECK(ledger().pending == 2);
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: an append notices an operator too") {
  append(1);
  bury(1);
  CHECK(*open_store(beside())->requeue({}) == 1);
  append(1);
  CHECK(ledger().pending == 2);
  CHECK(ledger().dead == 0);
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: an operator works without an owner") {
  append(2);
  bury(1);
  bury(2);
  cloud.reset();
  store.reset();
  CHECK(*open_store(beside())->purge({.sequences = {1}}) == 1);
  CHECK(*open_store(beside())->requeue({}) == 1);
  open();
  CHECK(dead() == Sequences{2});
  CHECK(requeued() == Sequences{2});
  CHECK(ledger().dropped.purged == 1);
  CHECK(balances(ledger()));
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: an operator leaves log and file to the owner") {
  append(1);
  bury(1);
  const std::string log = options.database + "-wal";
  const auto file_size = std::filesystem::file_size(options.database);
  const auto log_size = std::filesystem::file_size(log);
  CHECK(*open_store(beside())->purge({}) == 1);
  CHECK(std::filesystem::file_size(options.database) == file_size);
  CHECK(std::filesystem::file_size(log) > log_size);
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: a reader may neither requeue nor purge") {
  GatewayOptions look = options;
  look.access = Access::read;
  const auto reader = open_store(look);
  CHECK(reader->requeue({}).status().code() == Code::wrong_state);
  CHECK(reader->purge({}).status().code() == Code::wrong_state);
  CHECK(reader->dead_letters({}, 10)->empty());
}

TEST_CASE_FIXTURE(StoreDeadFixture, "store dead: a damaged one is reported and hides no other") {
  append(2);
  bury(1);
  bury(2);
  REQUIRE(store
              ->transact([](store::Session& session) {
                return session.execute(
                    "UPDATE edgepost_dead SET data = x'0011223344' WHERE sequence = 1", {});
              })
              .is_ok());
  CHECK(dead() == Sequences{2});
  const auto damaged = store->dead_letters({.sequences = {1}}, 10);
  CHECK(damaged.status().code() == Code::corrupt);
  CHECK(damaged.status().message().find("outbox, sequence 1") != std::string::npos);
}

TEST_CASE("store dead: looking for an operator makes no call of the disk [P-23]") {
  sim::Disk disk;
  FakeClock clock;
  GatewayOptions options;
  options.database = "/gateway.db";
  options.platform.vfs = disk.name();
  options.platform.clock = &clock;
  const auto store = open_store(options);
  store->step(clock.now());
  const std::uint64_t before = disk.calls();
  for (int second = 0; second < 100; ++second) {
    clock.advance(std::chrono::seconds(1));
    CHECK(store->step(clock.now()) == clock.now() + std::chrono::seconds(1));
  }
  CHECK(disk.calls() == before);
}
