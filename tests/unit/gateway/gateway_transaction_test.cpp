#include <doctest.h>
#include <sqlite3.h>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(GatewayFixture, "transaction: rows and events commit together [P-03]") {
  open();
  REQUIRE(
      gateway
          ->transact([](Transaction& transaction) -> Status {
            if (Status status = transaction.execute("CREATE TABLE reading (name TEXT, value REAL)");
                !status.is_ok()) {
              return status;
            }
            if (Status status =
                    transaction.execute("INSERT INTO reading VALUES (?, ?)", {"temperature", 21.5});
                !status.is_ok()) {
              return status;
            }
            return transaction.publish({.topic = "sensor/1", .data = "21.5"}).status();
          })
          .is_ok());
  CHECK(stored() == Texts{"21.5"});
  const Status duplicate = gateway->transact([](Transaction& transaction) {
    return transaction.execute("CREATE TABLE reading (name TEXT)");
  });
  CHECK(duplicate.code() == Code::invalid_argument);
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "transaction: a failed one leaves no row and no event [P-02][P-03]") {
  open();
  int heard = 0;
  const auto subscription = gateway->subscribe("#", [&heard](const Event&) {
    ++heard;
    return Status();
  });
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    (void)transaction.execute("CREATE TABLE reading (value REAL)");
    CHECK(transaction.publish({.topic = "sensor/1", .data = "ghost"})->sequence == 1);
    return {Code::refused, "changed my mind"};
  });
  CHECK(status.code() == Code::refused);
  CHECK(status.message() == "changed my mind");
  CHECK(stored().empty());
  CHECK(heard == 0);
  CHECK(publish("real").sequence == 1);
  CHECK(gateway
            ->transact([](Transaction& transaction) {
              return transaction.execute("CREATE TABLE reading (value REAL)");
            })
            .is_ok());
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "transaction: a buffered event outlives a rollback around it [P-01]") {
  open();
  publish("buffered", Durability::buffered);
  CHECK_FALSE(gateway->transact([](Transaction&) { return Status(Code::refused, "no"); }).is_ok());
  CHECK(publish("after").sequence == 2);
  CHECK(stored() == Texts{"buffered", "after"});
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: publishing past it on the same thread is refused") {
  open();
  Status inner;
  REQUIRE(gateway
              ->transact([&](Transaction&) {
                inner = gateway->publish({.topic = "sensor/1"}).status();
                return Status();
              })
              .is_ok());
  CHECK(inner.code() == Code::wrong_state);
  Status nested;
  REQUIRE(gateway
              ->transact([&](Transaction&) {
                nested = gateway->transact([](Transaction&) { return Status(); });
                return Status();
              })
              .is_ok());
  CHECK(nested.code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: only transact begins and ends it [P-02][P-03]") {
  open();
  const std::string large(70'000, 'g');  // larger than a segment, so that it is inserted at once
  REQUIRE(gateway
              ->transact([&](Transaction& transaction) -> Status {
                CHECK(transaction.publish({.topic = "a", .data = large}).is_ok());
                for (const char* sql :
                     {"COMMIT", " rollback", "/* now */ End", "SAVEPOINT a", "BEGIN IMMEDIATE"}) {
                  CHECK(transaction.execute(sql).code() == Code::invalid_argument);
                }
                return {};
              })
              .is_ok());
  CHECK(stored() == Texts{large});
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "transaction: one that SQLite rolled back stays back [P-02][P-03]") {
  open();
  const auto run = [this](const char* sql) {
    return gateway->transact([sql](Transaction& transaction) { return transaction.execute(sql); });
  };
  REQUIRE(run("CREATE TABLE r (k INTEGER PRIMARY KEY ON CONFLICT ROLLBACK)").is_ok());
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(transaction.execute("INSERT INTO r VALUES (1)").is_ok());
    CHECK(transaction.execute("INSERT INTO r VALUES (1)").code() == Code::wrong_state);
    CHECK(transaction.execute("INSERT INTO r VALUES (2)").code() == Code::wrong_state);
    CHECK(transaction.publish({.topic = "a"}).status().code() == Code::wrong_state);
    return {};
  });
  CHECK(status.code() == Code::wrong_state);
  CHECK(status.message().find("UNIQUE constraint failed: r.k") != std::string::npos);
  CHECK(run("INSERT INTO r VALUES (1)").is_ok());
  publish("works");
  CHECK(stored() == Texts{"works"});
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: one ended behind our back bricks nothing") {
  open();
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    (void)transaction.publish({.topic = "a", .data = std::string(70'000, 'g')});
    auto* db = static_cast<sqlite3*>(transaction.native_handle());
    sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr);
    return {};
  });
  CHECK(status.code() == Code::wrong_state);
  CHECK(publish("next").sequence == 2);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: publishing buffered inside it is refused") {
  open();
  Code code = Code::ok;
  REQUIRE(gateway
              ->transact([&](Transaction&) {
                code = gateway->publish({.topic = "a"}, Durability::buffered).status().code();
                return Status();
              })
              .is_ok());
  CHECK(code == Code::wrong_state);
  CHECK(gateway->transact({}).code() == Code::invalid_argument);
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: bad SQL and wrong values are told, not fatal") {
  open();
  REQUIRE(gateway
              ->transact([](Transaction& transaction) -> Status {
                CHECK(transaction.execute("").code() == Code::invalid_argument);
                CHECK(transaction.execute("-- nothing").code() == Code::invalid_argument);
                CHECK(transaction.execute("SELECT 1; SELECT 2").code() == Code::invalid_argument);
                CHECK(transaction.execute("SELECT 1; -- that is all").is_ok());
                CHECK(transaction.execute("SELEKT 1").code() == Code::invalid_argument);
                const Status count = transaction.execute("SELECT ?, ?", {std::int64_t{1}});
                CHECK(count.code() == Code::invalid_argument);
                CHECK(count.message().find("2 parameters, 1 values") != std::string::npos);
                CHECK(transaction.publish({.topic = "bad/+"}).status().code() ==
                      Code::invalid_argument);
                return transaction.publish({.topic = "sensor/1", .data = "good"}).status();
              })
              .is_ok());
  CHECK(stored() == Texts{"good"});
}

TEST_CASE_FIXTURE(GatewayFixture, "transaction: an event for one stream goes past the routes") {
  open();
  REQUIRE(gateway->create_stream({.name = "other"}).is_ok());
  const Status status = gateway->transact([](Transaction& transaction) -> Status {
    CHECK(transaction.publish_to("nothing", {.topic = "a"}).status().code() == Code::not_found);
    CHECK(transaction.publish_to("other", {}).status().code() == Code::invalid_argument);
    return transaction.publish_to("other", {.topic = "a", .data = "1"}).status();
  });
  REQUIRE(status.is_ok());
  CHECK(stored().empty());
  CHECK(data_of(*gateway->read("other", Position::start())) == Texts{"1"});
}
