#include "store/mend.hpp"

#include <doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;

namespace {

using Texts = std::vector<std::string>;

struct Rotten : GatewayFixture {
  // One bit of the segment that ends with `sequence` is another one from now on.
  void rot(std::uint64_t sequence) const {
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_initialize() == SQLITE_OK);
    REQUIRE(sqlite3_open(options.database.c_str(), &db) == SQLITE_OK);
    const std::string where = " WHERE last_seq = " + std::to_string(sequence);
    const std::string text =
        "UPDATE edgepost_segment_1 SET data = CAST(x'02' || substr(data, 2, length(data) - 5) || "
        "x'eeeeeeee' AS BLOB)" +
        where;
    CHECK(sqlite3_exec(db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(db);
  }

  // Five events, the third of which has rotted.
  void given_a_rotten_segment() {
    open();
    publish_many(1, 5);
    { const Consumer cloud = consumer(); }
    close();
    rot(3);
    open();
  }

  void step() { (void)gateway->step(clock.now()); }

  Code fetch_and_acknowledge(Consumer& from) {
    auto events = from.fetch();
    if (!events) {
      message = events.status().message();
      return events.status().code();
    }
    for (const Event& event : *events) {
      got.push_back(event.data);
      CHECK(from.acknowledge(event.sequence).is_ok());
    }
    return Code::ok;
  }

  void check_all_others_settled() {
    CHECK(got == Texts{"1", "2", "4", "5"});
    REQUIRE(gateway->flush().is_ok());
    CHECK(outbox().ledger.acknowledged == 4);
    CHECK(outbox().ledger.dropped.damaged == 1);
    CHECK(outbox().ledger.pending == 0);
    CHECK(test::balances(outbox().ledger));
    check_sound();
  }

  Texts got;
  std::string message;
};

}  // namespace

TEST_CASE_FIXTURE(Rotten, "mend: a rotten segment does not keep back what is behind it [P-06]") {
  given_a_rotten_segment();
  Consumer cloud = consumer();
  CHECK(fetch_and_acknowledge(cloud) == Code::ok);  // what is before it
  CHECK(fetch_and_acknowledge(cloud) == Code::corrupt);
  CHECK(message.find("stream outbox, sequences 3 to 3: checksum wrong") == 0);
  step();
  CHECK(fetch_and_acknowledge(cloud) == Code::ok);
  check_all_others_settled();
}

TEST_CASE_FIXTURE(Rotten, "mend: what was mended stays so when it is opened again [P-06]") {
  given_a_rotten_segment();
  {
    Consumer cloud = consumer();
    CHECK(fetch_and_acknowledge(cloud) == Code::ok);
    CHECK(fetch_and_acknowledge(cloud) == Code::corrupt);
    step();
  }
  open();
  check_sound();  // not settled yet
  Consumer cloud = consumer();
  CHECK(fetch_and_acknowledge(cloud) == Code::ok);
  check_all_others_settled();
}

TEST_CASE_FIXTURE(Rotten, "mend: the bytes of a rotten segment are kept and the status tells") {
  given_a_rotten_segment();
  Consumer cloud = consumer();
  CHECK(fetch_and_acknowledge(cloud) == Code::ok);
  CHECK(fetch_and_acknowledge(cloud) == Code::corrupt);
  CHECK_FALSE(gateway->status().damage.has_value());
  step();
  const GatewayStatus status = gateway->status();
  REQUIRE(status.damage.has_value());
  CHECK(status.damage->events_lost == 1);
  CHECK(status.damage->set_aside == options.database + "-damaged-1-segment");
  CHECK(status.damage->problems.front().find("sequences 3 to 3") != std::string::npos);
  std::ifstream file(status.damage->set_aside, std::ios::binary);
  const std::string evidence{std::istreambuf_iterator<char>(file), {}};
  CHECK(evidence.find("stream number 1, sequences 3 to 3\n\x02") != std::string::npos);
  CHECK(evidence.back() == '\xee');
}

TEST_CASE_FIXTURE(Rotten, "mend: a sound segment is left alone when its reading had failed") {
  open();
  publish("1");
  close();
  auto connection =
      store::Connection::open(options.database, "", store::Connection::Mode::read_only);
  REQUIRE(connection.is_ok());
  const auto bad = store::find_bad_segment(*connection, 1, 1, 2);
  REQUIRE(bad.is_ok());
  CHECK_FALSE(bad->has_value());
}

TEST_CASE_FIXTURE(Rotten, "mend: whoever only reads mends nothing") {
  given_a_rotten_segment();
  close();
  options.access = Access::read;
  open();
  CHECK(gateway->read("outbox", {.sequence = 3}).status().code() == Code::corrupt);
  close();
  CHECK_FALSE(std::filesystem::exists(options.database + "-damaged-1-segment"));
}

TEST_CASE_FIXTURE(Rotten, "mend: a row whose place has rotted hides nothing behind it [P-06]") {
  open();
  publish_many(1, 5);
  { const Consumer cloud = consumer(); }
  close();
  sqlite3* db = nullptr;
  REQUIRE(sqlite3_open(options.database.c_str(), &db) == SQLITE_OK);
  CHECK(sqlite3_exec(db,
                     "DELETE FROM edgepost_segment_1 WHERE last_seq = 2;"
                     "UPDATE edgepost_segment_1 SET last_seq = 2 WHERE last_seq = 1",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(db);
  open();
  Consumer cloud = consumer();
  CHECK(fetch_and_acknowledge(cloud) == Code::corrupt);
  step();
  CHECK(fetch_and_acknowledge(cloud) == Code::ok);
  CHECK(got == Texts{"3", "4", "5"});
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.dropped.damaged == 2);
  check_sound();
}
