// What `edgepost status` tells beyond the books, and `edgepost shrink`.
#include <doctest.h>

#include <filesystem>

#include "edgepost/gateway.hpp"
#include "support/edgepost_command.hpp"

namespace edgepost::test {
namespace {

struct Measured : EdgepostCommand {
  // Streams with limits; one has dropped seven of its ten events.
  void given_streams_with_limits() {
    auto gateway = Gateway::open({.database = db});
    REQUIRE(gateway.is_ok());
    REQUIRE((*gateway)
                ->create_stream({.name = "small",
                                 .filters = {"a"},
                                 .retention = Retention::limits,
                                 .discard = Discard::old_events,
                                 .max_events = 3,
                                 .max_age = std::chrono::hours(1)})
                .is_ok());
    REQUIRE((*gateway)->create_stream({.name = "wide", .filters = {"b"}}).is_ok());
    for (int i = 0; i < 10; ++i)
      REQUIRE((*gateway)->publish({.topic = "a", .data = "x"}).is_ok());
    REQUIRE((*gateway)->publish({.topic = "b", .data = "x"}).is_ok());
    REQUIRE((*gateway)->flush().is_ok());
    written = (*gateway)->status().writes;
  }

  // A thousand events of 1 KB that came and went.
  void given_a_drained_database() {
    publish(std::string(1'000, 'x') + "\n");
    auto gateway = Gateway::open({.database = db});
    REQUIRE(gateway.is_ok());
    auto cloud = (*gateway)->consumer("outbox", {.name = "cloud"});
    REQUIRE(cloud.is_ok());
    REQUIRE((*gateway)->route("#", "outbox").is_ok());
    REQUIRE((*gateway)
                ->transact([](Transaction& transaction) -> Status {
                  for (int i = 0; i < 999; ++i) {
                    auto receipt =
                        transaction.publish({.topic = "t", .data = std::string(1'000, 'x')});
                    if (!receipt) return receipt.status();
                  }
                  return {};
                })
                .is_ok());
    for (int i = 0; i < 1'000; ++i) {
      const auto events = cloud->fetch({.events = 1});
      REQUIRE(events.is_ok());
      REQUIRE(cloud->acknowledge(events->front().sequence).is_ok());
    }
  }

  [[nodiscard]] GatewayStatus seen() const {
    const auto gateway = Gateway::open({.database = db, .access = Access::read});
    REQUIRE(gateway.is_ok());
    return (*gateway)->status();
  }

  WriteStatus written;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE_FIXTURE(Measured, "status: JSON tells what the gateway's own status tells") {
  given_streams_with_limits();
  const GatewayStatus status = seen();
  const std::string json = run("status", {"--json"}).out;
  INFO(json);
  CHECK(status.writes.commits >= written.commits);
  CHECK(status.writes.events == 11);
  CHECK(number_in(json, "database_bytes") == status.database_bytes);
  CHECK(number_in(json, "free_bytes") == status.free_bytes);
  CHECK(number_in(json, "log_bytes") == status.log_bytes);
  const std::string writes = json.substr(json.find("\"writes\":"));
  CHECK(number_in(writes, "bytes") == status.writes.bytes);
  CHECK(number_in(writes, "events") == status.writes.events);
  CHECK(number_in(writes, "bytes_per_event") == status.writes.bytes / status.writes.events);
  CHECK(number_in(writes, "commits") == status.writes.commits);
  CHECK(number_in(writes, "syncs") == status.writes.syncs);
  CHECK(number_in(writes, "checkpoints") == status.writes.checkpoints);
  CHECK(has(json, "\"reserve_used\":false"));
  CHECK(has(json, "\"events\":3,\"bytes\":" + std::to_string(status.streams[0].bytes) +
                      ",\"limits\":{\"retention\":\"limits\",\"discard\":\"old_events\","
                      "\"max_bytes\":null,\"max_events\":3,\"max_age_ms\":3600000,"
                      "\"max_per_key\":null}"));
  CHECK(has(json,
            "\"dropped\":7,\"dead\":0,\"dropped_by_reason\":{\"max_bytes\":0,"
            "\"max_events\":7,\"max_age\":0,\"max_per_key\":0,\"purged\":0,\"damaged\":0}"));
}

TEST_CASE_FIXTURE(Measured, "status: people see what streams hold, may hold and have dropped") {
  given_streams_with_limits();
  const GatewayStatus status = seen();
  const std::string text = run("status").out;
  INFO(text);
  CHECK(has(text, " bytes for 11 events ("));
  CHECK(has(text, " each); " + std::to_string(status.writes.commits) + " commits, "));
  CHECK(has(text, " of them free; log " + std::to_string(status.log_bytes) + " bytes\n"));
  CHECK(has(text, "\nLIMITS  BYTES  OF  EVENTS  OF     MAX AGE  PER KEY  RETENTION     DISCARD\n"));
  CHECK(has(text, "  -       3   3  3600000 ms        -     limits  old_events\n"));
  CHECK(has(text, "  -       1   -           -        -   interest  new_events\n"));
  CHECK(has(text, "\nDROPPED      REASON  EVENTS\nsmall    max_events       7\n"));
  CHECK_FALSE(has(text, "DEAD LETTERS"));
}

TEST_CASE_FIXTURE(Measured, "status: dead letters are counted by stream, consumer and reason") {
  given_streams_with_limits();
  {
    auto gateway = Gateway::open({.database = db});
    REQUIRE(gateway.is_ok());
    REQUIRE((*gateway)
                ->transact([](Transaction& transaction) {
                  return transaction.execute(
                      "INSERT INTO edgepost_dead_group SELECT id, 'cloud', 'max_deliver', 5, 2"
                      " FROM edgepost_stream WHERE name = 'wide'");
                })
                .is_ok());
  }
  REQUIRE(seen().dead_letters.size() == 1);
  CHECK(seen().dead_letters[0].dead == 5);
  CHECK(has(run("status", {"--json"}).out,
            "\"dead_letters\":[{\"consumer\":\"cloud\",\"reason\":\"max_deliver\",\"dead\":5,"
            "\"requeued\":2}]"));
  CHECK(has(run("status").out,
            "\nDEAD LETTERS       REASON  DEAD  REQUEUED\nwide/cloud    max_deliver     5         "
            "2\n"));
}

TEST_CASE_FIXTURE(Measured, "shrink: a drained file becomes small, and its events stay") {
  given_a_drained_database();
  publish("stays\n");
  CHECK(std::filesystem::file_size(db) > 1'000'000);
  const Outcome outcome = run("shrink", {"--json"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(number_in(outcome.out, "given_back") > 1'000'000);
  CHECK(number_in(outcome.out, "database_bytes") == std::filesystem::file_size(db));
  CHECK(std::filesystem::file_size(db) < 200'000);
  CHECK(events().front().data == "stays");
  CHECK(is_sound());
  CHECK(has(run("shrink").out, "gave back "));
}

TEST_CASE_FIXTURE(Measured, "shrink: no database is made of nothing") {
  const Outcome missing = run("shrink");
  CHECK(missing.code == 1);
  CHECK(missing.err == "edgepost: cannot open " + db + ": No such file or directory\n");
  CHECK_FALSE(std::filesystem::exists(db));
  write_file(db, "");
  CHECK(run("shrink").code == 1);
  CHECK(std::filesystem::file_size(db) == 0);
}

TEST_CASE_FIXTURE(Measured, "shrink: beside a gateway it is refused, naming the process") {
  const auto gateway = Gateway::open({.database = db});
  REQUIRE(gateway.is_ok());
  const Outcome outcome = run("shrink");
  CHECK(outcome.code == 1);
  CHECK(has(outcome.err, "process " + std::to_string((*gateway)->status().owner_pid)));
}

}  // namespace
}  // namespace edgepost::test
