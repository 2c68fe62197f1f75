#include "store/latest.hpp"

#include <doctest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "support/gateway_fixture.hpp"

using namespace edgepost;

namespace {

using Texts = std::vector<std::string>;

/// A gateway whose stream keeps so many events of each key.
struct LatestFixture : test::GatewayFixture {
  void open_keeping(std::uint32_t count) {
    open();
    REQUIRE(gateway->change_stream({.name = "outbox", .max_per_key = count}).is_ok());
  }

  void put(const std::string& key, const std::string& data) {
    REQUIRE(gateway->publish({.topic = "t", .data = data, .key = key}).is_ok());
  }

  static void acknowledge_all(Consumer& from) {
    const auto events = from.fetch({.events = 10'000, .bytes = 1U << 24U});
    REQUIRE(events.is_ok());
    for (const Event& event : *events)
      REQUIRE(from.acknowledge(event.sequence).is_ok());
  }
};

}  // namespace

TEST_CASE_FIXTURE(LatestFixture, "latest: only the newest events of a key are delivered") {
  open_keeping(2);
  Consumer cloud = consumer();
  for (const char* data : {"a1", "a2", "a3"})
    put("a", data);
  put("b", "b1");
  put("a", "a4");
  CHECK(fetch(cloud, 9) == Texts{"a3", "b1"});
  REQUIRE(cloud.acknowledge(3).is_ok());
  CHECK(fetch(cloud, 9) == Texts{"a4"});
}

TEST_CASE_FIXTURE(LatestFixture, "latest: an event that waits to be tried again is replaced too") {
  open_keeping(1);
  Consumer cloud = consumer();
  put("a", "a1");
  REQUIRE(cloud.fetch()->size() == 1);
  REQUIRE(cloud.nack(1, "no", Duration(1)).is_ok());
  put("a", "a2");
  clock.advance(std::chrono::seconds(1));
  CHECK(fetch(cloud, 9) == Texts{"a2"});
  CHECK(outbox().ledger.dropped.max_per_key == 1);
}

TEST_CASE_FIXTURE(LatestFixture, "latest: events without a key are never replaced") {
  open_keeping(1);
  Consumer cloud = consumer();
  publish_many(1, 3);
  CHECK(fetch(cloud, 9) == Texts{"1", "2", "3"});
}

TEST_CASE_FIXTURE(LatestFixture, "latest: an event in flight is finished as usual") {
  open_keeping(1);
  Consumer cloud = consumer();
  put("a", "a1");
  const auto flying = cloud.fetch();
  REQUIRE(flying->size() == 1);
  put("a", "a2");
  REQUIRE(cloud.acknowledge(flying->front().sequence).is_ok());
  CHECK(fetch(cloud, 9) == Texts{"a2"});
  CHECK(outbox().ledger.acknowledged == 1);
  CHECK(outbox().ledger.dropped.max_per_key == 0);
}

TEST_CASE_FIXTURE(LatestFixture, "latest: the books balance before and after passing over [P-04]") {
  open_keeping(1);
  Consumer cloud = consumer();
  for (int i = 1; i <= 10; ++i) {
    put(i % 2 == 0 ? "even" : "odd", std::to_string(i));
    CHECK(test::balances(outbox().ledger));
  }
  CHECK(outbox().ledger.pending == 10);
  acknowledge_all(cloud);
  CHECK(outbox().ledger.acknowledged == 2);
  CHECK(outbox().ledger.dropped.max_per_key == 8);
  CHECK(outbox().ledger.pending == 0);
  cloud = Consumer(nullptr);
  open();
  CHECK(outbox().ledger.acknowledged == 2);
  CHECK(outbox().ledger.dropped.max_per_key == 8);
  CHECK(test::balances(outbox().ledger));
  check_sound();
}

TEST_CASE_FIXTURE(LatestFixture, "latest: what is replaced stays replaced after a restart") {
  open_keeping(1);
  { const Consumer cloud = consumer(); }
  put("a", "a1");
  put("a", "a2");
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 9) == Texts{"a2"});
}

TEST_CASE_FIXTURE(LatestFixture, "latest: an event that was rolled back replaces none [P-02]") {
  open_keeping(1);
  Consumer cloud = consumer();
  put("a", "a1");
  put("b", "b1");
  const Status failed = gateway->transact([](Transaction& transaction) -> Status {
    (void)transaction.publish({.topic = "t", .data = "a2", .key = "a"});
    return {Code::invalid_argument, "on purpose"};
  });
  CHECK(failed.code() == Code::invalid_argument);
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                (void)transaction.nested([&]() -> Status {
                  (void)transaction.publish({.topic = "t", .data = "b2", .key = "b"});
                  return {Code::invalid_argument, "on purpose"};
                });
                return transaction.publish({.topic = "t", .data = "c1", .key = "c"}).status();
              })
              .is_ok());
  CHECK(fetch(cloud, 9) == Texts{"a1", "b1", "c1"});
}

TEST_CASE_FIXTURE(LatestFixture, "latest: a commit of many counts each of them") {
  open_keeping(1);
  Consumer cloud = consumer();
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                for (int i = 0; i < 100; ++i) {
                  const auto done = transaction.publish(
                      {.topic = "t", .data = std::to_string(i), .key = std::to_string(i % 10)});
                  if (!done) return done.status();
                }
                return Status();
              })
              .is_ok());
  CHECK(fetch(cloud, 100).size() == 10);
}

TEST_CASE_FIXTURE(LatestFixture, "latest: keys of which nothing is left are forgotten [P-21]") {
  open_keeping(1);
  Consumer cloud = consumer();
  for (int i = 0; i < 300; ++i) {
    put("order " + std::to_string(i), "x");
    put("always", "y");
    acknowledge_all(cloud);
    REQUIRE(gateway->flush().is_ok());
  }
  std::int64_t keys = 0;
  REQUIRE(gateway
              ->transact([&](Transaction& transaction) -> Status {
                auto* db = static_cast<sqlite3*>(transaction.native_handle());
                return sqlite3_exec(
                           db, "SELECT count(*) FROM edgepost_latest",
                           [](void* to, int, char** values, char**) {
                             *static_cast<std::int64_t*>(to) = std::stoll(values[0]);
                             return 0;
                           },
                           &keys, nullptr) == SQLITE_OK
                           ? Status()
                           : Status(Code::io_error, "cannot count");
              })
              .is_ok());
  CHECK(keys < 10);
  CHECK(fetch(cloud, 9).empty());
  check_sound();
}
