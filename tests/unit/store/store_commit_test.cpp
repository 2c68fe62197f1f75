#include <doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "on_watched_disk.hpp"

using namespace edgepost;
using test::GatewayFixture;
using test::OnWatchedDisk;
using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(GatewayFixture, "store: threads share commits and get sequences of their own") {
  open();
  std::vector<std::thread> threads;
  std::vector<std::vector<std::uint64_t>> got(4);
  for (std::size_t t = 0; t < got.size(); ++t) {
    threads.emplace_back([this, &mine = got[t]] {
      for (int i = 0; i < 100; ++i) {
        auto receipt = gateway->publish({.topic = "t", .data = "x"});
        if (receipt) mine.push_back(receipt->sequence);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  std::set<std::uint64_t> all;
  for (const auto& mine : got) {
    CHECK(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  CHECK(all.size() == 400);
  CHECK(*all.rbegin() == 400);
  CHECK(gateway->status().writes.commits < 400);  // four threads meet in some of them
  check_sound();
}

TEST_CASE_FIXTURE(OnWatchedDisk, "store: a stored event costs one sync, an acknowledgement none") {
  open();
  Consumer cloud = consumer();
  publish("0");
  std::uint64_t before = disk.syncs;
  publish_many(1, 10);
  CHECK(disk.syncs - before == 10);
  fetch(cloud, 11);
  before = disk.syncs;
  for (std::uint64_t sequence = 1; sequence <= 11; ++sequence) {
    REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  CHECK(disk.syncs == before);
  clock.advance(options.ack_flush);
  gateway->step(clock.now());
  CHECK(disk.syncs == before + 1);  // for all of them, a second later
}

TEST_CASE_FIXTURE(OnWatchedDisk, "store: acknowledgements ride in the next append [P-12]") {
  open();
  Consumer cloud = consumer();
  publish("1");
  fetch(cloud, 1);
  REQUIRE(cloud.acknowledge(1).is_ok());
  publish("2");
  const std::uint64_t before = disk.writes;
  clock.advance(std::chrono::seconds(5));
  gateway->step(clock.now());
  CHECK(disk.writes == before);
  options.access = Access::read;
  auto reader = Gateway::open(options);
  REQUIRE(reader.is_ok());
  CHECK((*reader)->status().streams.front().consumers.front().floor == 1);
}

TEST_CASE_FIXTURE(OnWatchedDisk,
                  "store: a full disk refuses an event whole and loses none [P-01]") {
  open();
  publish_many(1, 5);
  for (std::int64_t left = 0; left < 6; ++left) {
    disk.writes_left = left;
    const auto refused = gateway->publish({.topic = "t", .data = std::string(9'000, 'x')});
    if (refused.is_ok()) break;
    CHECK(refused.status().code() == Code::full);
    CHECK(refused.status().message().find(options.database) != std::string::npos);
    CHECK(stored().size() == 5);
    disk.writes_left = -1;
    check_sound();
  }
  disk.writes_left = -1;
  CHECK(publish("works again").sequence >= 6);
  CHECK(stored().front() == "1");
  CHECK(stored().back() == "works again");
}

TEST_CASE_FIXTURE(OnWatchedDisk, "store: a full disk leaves buffered events buffered [P-07]") {
  open();
  publish("kept", Durability::buffered);
  disk.writes_left = 0;
  CHECK(gateway->flush().code() == Code::full);
  disk.writes_left = -1;
  CHECK(gateway->flush().is_ok());
  CHECK(stored() == Texts{"kept"});
}

TEST_CASE_FIXTURE(GatewayFixture, "store: racing publishers lose and double nothing [P-07][P-12]") {
  options.platform.clock = nullptr;
  options.buffer_bytes_max = 500;  // overflows all the time
  open();
  std::atomic<int> published = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([this, t, &published] {
      for (int i = 0; i < 300; ++i) {
        const auto durability = t < 4 ? Durability::buffered : Durability::stored;
        const std::string data = std::to_string(t) + "-" + std::to_string(i);
        if (gateway->publish({.topic = "t", .data = data}, durability)) ++published;
        if (t == 5) (void)gateway->flush();
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  REQUIRE(gateway->flush().is_ok());
  Texts all = stored();
  CHECK(published == 1'800);
  CHECK(all.size() == 1'800);
  std::sort(all.begin(), all.end());
  CHECK(std::unique(all.begin(), all.end()) == all.end());
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "store: a rollback leaves buffered events due") {
  open();
  publish("b", Durability::buffered);
  CHECK_FALSE(gateway->transact([](Transaction&) { return Status(Code::refused, "no"); }).is_ok());
  CHECK(gateway->step(clock.now()) == clock.now() + options.flush_interval);
  clock.advance(options.flush_interval);
  gateway->step(clock.now());
  CHECK(stored() == Texts{"b"});
}

TEST_CASE_FIXTURE(OnWatchedDisk, "store: what is acknowledged during a commit is not forgotten") {
  open();
  publish_many(1, 3);
  Consumer cloud = consumer();
  fetch(cloud, 3);
  REQUIRE(cloud.acknowledge(1).is_ok());
  disk.on_write = [&] {
    disk.on_write = nullptr;
    (void)cloud.acknowledge(2);
    (void)cloud.acknowledge(3);
  };
  clock.advance(options.ack_flush);
  gateway->step(clock.now());
  clock.advance(options.ack_flush);
  gateway->step(clock.now());
  GatewayOptions look = options;
  look.access = Access::read;
  CHECK((*Gateway::open(look))->status().streams.front().consumers.front().floor == 3);
}

TEST_CASE_FIXTURE(GatewayFixture, "store: many acknowledgements are stored before their time") {
  options.ack_flush_events = 10;
  open();
  publish_many(1, 20);
  Consumer cloud = consumer();
  fetch(cloud, 20);
  for (std::uint64_t sequence = 1; sequence <= 10; ++sequence) {
    REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  gateway->step(clock.now());
  GatewayOptions look = options;
  look.access = Access::read;
  CHECK((*Gateway::open(look))->status().streams.front().consumers.front().floor == 10);
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "store: a second owner that came past the lock stops the first [P-04]") {
  open();
  publish("1");
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(options.database.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db, "UPDATE edgepost_meta SET incarnation = incarnation + 1", nullptr, nullptr,
                     nullptr) == SQLITE_OK);
  sqlite3_close(db);
  const auto refused = gateway->publish({.topic = "t", .data = "2"});
  CHECK(refused.status().code() == Code::busy);
  CHECK(refused.status().message().find("written") != std::string::npos);
  open();
  publish("2");
  CHECK(stored() == Texts{"1", "2"});
}
