#include "store/compaction.hpp"

#include <doctest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "unit/store/compaction_fixture.hpp"

using namespace edgepost;
using test::Compacting;
using test::Texts;

TEST_CASE_FIXTURE(Compacting, "compaction: the file stays small and the newest events are kept") {
  for (const std::uint32_t count : {1U, 3U}) {
    CAPTURE(count);
    close();
    options.database = dir.file("keeps-" + std::to_string(count) + ".db");
    model.clear();
    open_keeping(count);
    { const Consumer cloud = consumer(); }
    int number = 0;
    std::uint64_t most = 0;
    for (int round = 0; round < 320; ++round) {
      const int together = round % 61 + 1;
      put_many(number + 1, number + together, 100, together);
      number += together;
      CHECK(test::balances(outbox().ledger));
      most = std::max(most, outbox().bytes);
      if (round % 100 == 25) check_sound();
      if (round == 70) open();
    }
    CHECK(outbox().ledger.pending == static_cast<std::uint64_t>(number));
    const std::uint64_t live = count * 100 * 540;  // one event takes so many bytes
    CHECK(most < 2 * live + 128 * 1024);
    CHECK(std::filesystem::file_size(options.database) < 3 * live + 256 * 1024);
    check_sound();
    open();
    Consumer cloud = consumer();
    CHECK(drain(cloud) == model);
    CHECK(outbox().ledger.pending == 0);
    CHECK(outbox().ledger.acknowledged == count * 100);
    CHECK(outbox().ledger.dropped.max_per_key == static_cast<std::uint64_t>(number) - count * 100);
    CHECK(test::balances(outbox().ledger));
    check_sound();
  }
}

TEST_CASE_FIXTURE(Compacting, "compaction: keys rewritten for ever take no more room [P-21]") {
  padding = 100;
  open_keeping(1);
  Consumer slow = consumer();
  std::uint64_t held = 0;
  std::uint64_t most = 0;
  for (int number = 0; number < 100'000; number += 1'000) {
    put_many(number + 1, number + 1'000, 10, 100);
    if (number % 25'000 == 0) {
      if (number > 0) REQUIRE(slow.acknowledge(held).is_ok());
      const auto events = slow.fetch({.events = 1});
      REQUIRE(events.is_ok());
      REQUIRE(events->size() == 1);
      held = events->front().sequence;
    }
    most = std::max<std::uint64_t>(most, std::filesystem::file_size(options.database));
  }
  REQUIRE(slow.acknowledge(held).is_ok());
  MESSAGE("the file takes " << most << " bytes, its log at most "
                            << std::filesystem::file_size(options.database + "-wal"));
  CHECK(most < 512 * 1024);
  CHECK(outbox().bytes < 128 * 1024);
  check_sound();
  (void)drain(slow);
  CHECK(outbox().ledger.dropped.damaged == 0);
  CHECK(outbox().ledger.pending == 0);
}

TEST_CASE_FIXTURE(Compacting, "compaction: a consumer may read on all the while") {
  open_keeping(1);
  Consumer cloud = consumer();
  std::map<std::string, std::string> newest;
  std::uint64_t last = 0;
  for (int round = 0; round < 100; ++round) {
    put_many(round * 50 + 1, round * 50 + 50, 100, 10 + round % 41);
    const auto events = cloud.fetch({.events = 5});
    REQUIRE(events.is_ok());
    for (const Event& event : *events) {
      CHECK(event.sequence > last);
      last = event.sequence;
      newest[event.key] = event.data;
      REQUIRE(cloud.acknowledge(last).is_ok());
    }
    CHECK(test::balances(outbox().ledger));
  }
  for (const auto& [key, data] : drain(cloud))
    newest[key] = data.back();
  REQUIRE(newest.size() == 100);
  for (const auto& [key, data] : newest)
    CHECK(model[key] == Texts{data});
  CHECK(outbox().ledger.pending == 0);
  CHECK(outbox().ledger.dropped.damaged == 0);
  check_sound();
}

TEST_CASE_FIXTURE(Compacting, "compaction: a commit that is rolled back leaves all as it was") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  const auto refuse = [](void*) { return 1; };
  bool has_compacted = false;
  for (int number = 1; number < 300 && !has_compacted; ++number) {
    const std::int64_t before = rows();
    const std::uint64_t bytes = outbox().bytes;
    sqlite3* handle = nullptr;
    const Status refused = gateway->transact([&](Transaction& transaction) {
      handle = static_cast<sqlite3*>(transaction.native_handle());
      sqlite3_commit_hook(handle, refuse, nullptr);
      return transaction.publish(update(number, 10)).status();
    });
    sqlite3_commit_hook(handle, nullptr, nullptr);
    CHECK_FALSE(refused.is_ok());
    REQUIRE(rows() == before);
    REQUIRE(outbox().bytes == bytes);
    put_many(number, number, 10);
    has_compacted = rows() < before;  // and so had the one before it
  }
  CHECK(has_compacted);
  check_sound();
  open();
  Consumer cloud = consumer();
  CHECK(drain(cloud) == model);
}

TEST_CASE_FIXTURE(Compacting, "compaction: events without a key are put together, all of them") {
  open_keeping(1);
  Consumer cloud = consumer();
  for (int i = 1; i <= 300; ++i)
    publish(std::to_string(i) + std::string(500, '.'));
  CHECK(rows() < 250);
  check_sound();
  const Texts all = stored();
  REQUIRE(all.size() == 300);
  CHECK(drain(cloud)[""] == all);
}

TEST_CASE_FIXTURE(Compacting, "compaction: an event expires when it would have, also moved") {
  open_keeping(1);
  Consumer cloud = consumer();
  clock.advance(std::chrono::minutes(1));
  for (const char* key : {"early", "late"}) {
    REQUIRE(gateway
                ->publish(
                    {.topic = "t", .data = key, .key = key, .expires_after = std::chrono::hours(1)})
                .is_ok());
    clock.advance(std::chrono::minutes(30));
  }
  put_many(1, 300, 10);
  REQUIRE(rows() < 200);
  clock.advance(std::chrono::minutes(15));
  auto got = drain(cloud);
  CHECK_FALSE(got.contains("early"));
  CHECK(got["late"] == Texts{"late"});
  CHECK(outbox().ledger.expired == 1);
}

TEST_CASE_FIXTURE(Compacting, "compaction: no limit takes what is live while there is replaced") {
  for (const Discard discard : {Discard::new_events, Discard::old_events}) {
    for (const int keys : {10, 40}) {
      CAPTURE(keys);
      close();
      options.database = dir.file(std::to_string(keys) + std::to_string(int(discard)) + ".db");
      model.clear();
      open_keeping(1);
      REQUIRE(
          gateway
              ->change_stream(
                  {.name = "outbox", .discard = discard, .max_bytes = 32 * 1024, .max_per_key = 1})
              .is_ok());
      Consumer cloud = consumer();
      put_many(1, 600, keys);
      CHECK(drain(cloud) == model);
      CHECK(outbox().ledger.dropped.max_bytes == 0);
      CHECK(outbox().ledger.dropped.max_per_key == 600U - static_cast<unsigned>(keys));
    }
  }
}

TEST_CASE_FIXTURE(Compacting, "compaction: a damaged segment stays as it is and is told of") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  put_many(1, 20, 10);
  close();
  sql("UPDATE edgepost_segment_1 SET data = x'0000000000000000' WHERE last_seq = 7");
  open();
  put_many(21, 300, 10);
  CHECK(rows() < 200);
  const auto report = gateway->verify();
  REQUIRE(report.is_ok());
  REQUIRE_FALSE(report->problems.empty());
  CHECK(report->problems.front().find("segment up to sequence 7:") != std::string::npos);
}

TEST_CASE_FIXTURE(Compacting, "compaction: a stream that keeps all again gets over the gaps") {
  open_keeping(1);
  Consumer cloud = consumer();
  put_many(1, 300, 10);
  REQUIRE(rows() < 200);
  REQUIRE(gateway->change_stream({.name = "outbox"}).is_ok());
  (void)drain(cloud);
  CHECK(cloud.status().floor == 300);
  CHECK(outbox().ledger.pending == 0);
  CHECK(outbox().ledger.dropped.damaged == 0);
  CHECK(test::balances(outbox().ledger));
  check_sound();
}

TEST_CASE_FIXTURE(Compacting, "compaction: a segment that is missing counts as damage [P-06]") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  put_many(1, 300, 10);
  publish_many(301, 310);
  close();
  sql("DELETE FROM edgepost_segment_1 WHERE last_seq BETWEEN 304 AND 306");
  open();
  const auto report = gateway->verify();
  REQUIRE(report.is_ok());
  REQUIRE_FALSE(report->problems.empty());
  CHECK(report->problems.front() == "stream outbox: events are missing before sequence 307");
  Consumer cloud = consumer();
  auto got = drain(cloud);
  CHECK(got[""].size() == 7);
  CHECK(got.size() == 11);
  CHECK(outbox().ledger.dropped.damaged == 3);
  CHECK(outbox().ledger.dropped.max_per_key == 290);
  CHECK(outbox().ledger.pending == 0);
}

TEST_CASE_FIXTURE(Compacting, "compaction: one that rotted counts as damage, not as replaced") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  put_many(1, 300, 10);
  publish_many(301, 303);
  close();
  sql("UPDATE edgepost_segment_1 SET data = x'0000000000000000' WHERE last_seq = 302");
  open();
  put_many(304, 600, 10);
  REQUIRE(rows() < 200);
  Consumer cloud = consumer();
  std::size_t got = 0;
  for (int i = 0; i < 3; ++i) {
    const auto events = cloud.fetch();
    if (!events) CHECK(events.status().code() == Code::corrupt);
    for (const Event& event : events ? *events : std::vector<Event>()) {
      ++got;
      REQUIRE(cloud.acknowledge(event.sequence).is_ok());
    }
    gateway->step(clock.now());
  }
  CHECK(got == 12);
  CHECK(outbox().ledger.dropped.damaged == 1);
  CHECK(outbox().ledger.dropped.max_per_key == 587);
  CHECK(outbox().ledger.pending == 0);
  check_sound();
}

TEST_CASE_FIXTURE(Compacting, "compaction: a salvage keeps what was kept, gaps and all [P-06]") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  put_many(1, 300, 10);
  REQUIRE(rows() < 200);
  close();
  sql("UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq = 0");
  open();
  const GatewayStatus status = gateway->status();
  REQUIRE(status.damage.has_value());
  CHECK(status.damage->events_lost == 0);
  check_sound();
  Consumer cloud = consumer();
  CHECK(drain(cloud) == model);
  CHECK(outbox().ledger.dropped.damaged == 0);
  CHECK(outbox().ledger.pending == 0);
  put_many(301, 600, 10);
  CHECK(drain(cloud) == model);
  check_sound();
}

TEST_CASE_FIXTURE(Compacting, "compaction: a guessed time that was moved is corrected [P-41]") {
  const auto learn_time = [this](Timestamp now) {
    clock.set_wall(now);
    clock.set_trusted(true);
    gateway->step(clock.now());
  };
  const Timestamp morning = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  clock.set_trusted(false);
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  REQUIRE(gateway->publish({.topic = "t", .data = "early", .key = "early"}).is_ok());
  clock.advance(std::chrono::minutes(5));
  learn_time(morning);
  clock.advance(std::chrono::hours(1));
  put_many(1, 300, 10);
  REQUIRE(rows() < 200);
  close();
  clock.reboot(std::chrono::hours(1));
  clock.set_wall(Timestamp{});
  clock.set_trusted(false);
  clock.advance(std::chrono::seconds(10));
  open();
  publish("lost again");
  learn_time(morning + std::chrono::hours(24));
  const auto events = gateway->read("outbox", Position::start());
  REQUIRE(events.is_ok());
  REQUIRE(events->front().data == "early");
  CHECK(events->front().time == morning - std::chrono::minutes(5));
}

TEST_CASE_FIXTURE(Compacting, "compaction: an event in flight stays until it is finished") {
  open_keeping(1);
  Consumer cloud = consumer();
  put_many(1, 1, 10);
  REQUIRE(cloud.fetch()->size() == 1);
  put_many(2, 300, 10);
  REQUIRE(rows() < 200);
  CHECK(stored().front() == update(1, 10).data);
  REQUIRE(cloud.acknowledge(1).is_ok());
  put_many(301, 600, 10);
  CHECK(stored().front() != update(1, 10).data);
  (void)drain(cloud);
  CHECK(outbox().ledger.acknowledged == 11);
  CHECK(test::balances(outbox().ledger));
}

TEST_CASE_FIXTURE(Compacting, "compaction: a gap that the books cannot list waits for the floor") {
  padding = 0;
  open_keeping(1);
  Consumer cloud = consumer();
  put_many(1, 1, 1'000'000);
  REQUIRE(cloud.fetch()->size() == 1);
  put_many(2, 67'000, 10, 1'000);
  const auto none = cloud.fetch();
  REQUIRE(none.is_ok());
  CHECK(none->empty());
  CHECK(cloud.next_due() == Instant::max());
  REQUIRE(gateway->flush().is_ok());
  check_sound();
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(drain(cloud).size() == 10);
  CHECK(cloud.status().floor == 67'000);
  CHECK(outbox().ledger.dropped.max_per_key == 66'989);
  check_sound();
}
