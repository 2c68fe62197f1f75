#include "store/schema.hpp"

#include <doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/process.hpp"
#include "support/sql.hpp"

using namespace edgepost;
using test::GatewayFixture;
using test::sql;

namespace {

Status open_status(const GatewayOptions& options) { return Gateway::open(options).status(); }

}  // namespace

TEST_CASE_FIXTURE(GatewayFixture, "schema: a database syncs every commit and keeps a WAL [P-01]") {
  open();
  std::int64_t synchronous = 0;
  std::int64_t wal = 0;
  REQUIRE(gateway
              ->transact([&](Transaction& transaction) -> Status {
                auto* db = static_cast<sqlite3*>(transaction.native_handle());
                const auto ask = [db](const char* text) {
                  sqlite3_stmt* statement = nullptr;
                  sqlite3_prepare_v2(db, text, -1, &statement, nullptr);
                  sqlite3_step(statement);
                  const std::int64_t value = sqlite3_column_int64(statement, 0);
                  sqlite3_finalize(statement);
                  return value;
                };
                synchronous = ask("PRAGMA synchronous");
                wal = ask("SELECT journal_mode = 'wal' FROM pragma_journal_mode");
                return {};
              })
              .is_ok());
  CHECK(synchronous == 2);
  CHECK(wal == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: another program's database is refused and untouched") {
  sql(options.database, "CREATE TABLE mine (x); INSERT INTO mine VALUES (42)");
  const std::string before = test::read_file(options.database);
  for (const Access access : {Access::own, Access::read}) {
    options.access = access;
    const Status status = open_status(options);
    CHECK(status.code() == Code::invalid_argument);
    CHECK(status.message().find("not an edgepost database") != std::string::npos);
  }
  CHECK(test::read_file(options.database) == before);
  CHECK(test::read_file(options.database + "-owner").empty());
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a file that is no database is refused and untouched") {
  const std::string bytes(5'000, 'j');
  test::write_file(options.database, bytes);
  const Status status = open_status(options);
  CHECK(status.code() == Code::corrupt);
  CHECK(status.message().find(options.database) != std::string::npos);
  CHECK(test::read_file(options.database) == bytes);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a newer schema is refused in words and untouched") {
  open();
  publish("1");
  close();
  sql(options.database, "PRAGMA user_version=9999");
  const Status status = open_status(options);
  CHECK(status.code() == Code::unsupported);
  CHECK(status.message().find("schema 9999") != std::string::npos);
  CHECK(status.message().find("upgrade edgepost") != std::string::npos);
  options.access = Access::read;
  CHECK(open_status(options).code() == Code::unsupported);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: reading a database that is not there is not_found") {
  options.access = Access::read;
  CHECK(open_status(options).code() == Code::not_found);
  test::write_file(options.database, "");
  CHECK(open_status(options).code() == Code::not_found);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a directory that cannot take a file is an io_error") {
  for (const std::string& path :
       {dir.file("missing/gateway.db"), std::string("/proc/gateway.db")}) {
    options.database = path;
    const Status status = open_status(options);
    CHECK(status.code() == Code::io_error);
    CHECK(status.message().find(path) != std::string::npos);
  }
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "schema: an older database is migrated and loses nothing [P-01]") {
  // Made by schema 1: ten events, four of them acknowledged by `cloud`, and a table of the user's.
  std::filesystem::copy_file(EDGEPOST_TEST_FIXTURES "/schema_v1.db", options.database);
  options.access = Access::read;
  CHECK(open_status(options).code() == Code::wrong_state);
  options.access = Access::own;
  open();
  CHECK(stored() == std::vector<std::string>{"5", "6", "7", "8", "9", "10"});
  CHECK(gateway->read("alarms", Position::start())->size() == 1);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 1) == std::vector<std::string>{"5"});
  CHECK(publish("11").sequence == 11);
  CHECK(gateway
            ->transact([](Transaction& transaction) {
              return transaction.execute("INSERT INTO reading VALUES ('b', 2.5)");
            })
            .is_ok());
  CHECK(gateway->shrink().is_ok());
  CHECK(stored().size() == 7);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: each opening by an owner is a new incarnation") {
  open();
  CHECK(gateway->status().incarnation == 1);
  open();
  CHECK(gateway->status().incarnation == 2);
  GatewayOptions look = options;
  look.access = Access::read;
  CHECK((*Gateway::open(look))->status().incarnation == 2);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a damaged segment is reported with its place") {
  open();
  publish_many(1, 3);
  close();
  sql(options.database,
      "UPDATE edgepost_segment_1 SET data = zeroblob(length(data)) WHERE last_seq = 2");
  open();
  const auto events = gateway->read("outbox", Position{2});
  CHECK(events.status().code() == Code::corrupt);
  CHECK(events.status().message().find("stream outbox, sequences 2 to 2") != std::string::npos);
  const auto report = gateway->verify();
  REQUIRE(report.is_ok());
  REQUIRE_FALSE(report->problems.empty());
  CHECK(report->problems.front().find("sequence 2: checksum wrong") != std::string::npos);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a missing segment is found by verify [P-04]") {
  open();
  publish_many(1, 3);
  close();
  sql(options.database, "DELETE FROM edgepost_segment_1 WHERE last_seq = 2");
  open();
  const auto report = gateway->verify();
  REQUIRE(report.is_ok());
  REQUIRE_FALSE(report->problems.empty());
  CHECK(report->problems.front().find("missing before sequence 3") != std::string::npos);
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a file that was cut off keeps its log [P-06]") {
  open();
  publish_many(1, 3);
  const std::string copy = dir.file("copy.db");
  std::filesystem::copy_file(options.database + "-wal", copy + "-wal");  // as after kill -9
  close();
  test::write_file(copy, "");
  const std::string log = test::read_file(copy + "-wal");
  REQUIRE_FALSE(log.empty());
  options.database = copy;
  for (const Access access : {Access::read, Access::own}) {
    options.access = access;
    CHECK(open_status(options).code() == Code::corrupt);
    CHECK(test::read_file(copy + "-wal") == log);
  }
}

TEST_CASE_FIXTURE(GatewayFixture, "schema: a lost log is no empty start [P-06]") {
  options.device_id.clear();  // taken from the database's identity
  open();
  const std::string device = gateway->status().device_id;
  const std::string copy = dir.file("copy.db");
  std::filesystem::copy_file(options.database, copy);  // without its log
  close();
  options.database = copy;
  options.access = Access::read;
  CHECK(open().status().device_id == device);
}
