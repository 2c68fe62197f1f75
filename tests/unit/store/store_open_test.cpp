#include <doctest.h>
#include <sqlite3.h>

#include <filesystem>

#include "support/gateway_fixture.hpp"
#include "support/sql.hpp"

using namespace edgepost;
using test::GatewayFixture;

namespace {

using Texts = std::vector<std::string>;

struct Repaired : GatewayFixture {
  // Runs SQL on the closed file behind the library's back.
  void sql(const std::string& text) const { test::sql(options.database, text); }

  // Five events that one consumer wants.
  void given_a_closed_gateway() {
    open();
    publish_many(1, 5);
    { const Consumer cloud = consumer(); }
    close();
  }

  Texts problems() {
    auto report = gateway->verify();
    REQUIRE(report.is_ok());
    return report->problems;
  }

  DamageReport repair() {
    auto report = Gateway::repair(options);
    INFO(report.status().message());
    REQUIRE(report.is_ok());
    return *report;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Repaired,
                  "repair: rotten segments are counted as lost, the rest is kept [P-06]") {
  given_a_closed_gateway();
  sql("UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq IN (2, 4)");
  const DamageReport report = repair();
  CHECK(report.events_lost == 2);
  CHECK(report.events_salvaged == 3);
  CHECK(report.set_aside == options.database + "-damaged-1");
  CHECK(std::filesystem::exists(report.set_aside));
  open();
  check_sound();
  CHECK(gateway->verify()->events_lost == 2);
  CHECK(stored() == Texts{"1", "3", "5"});
  Consumer cloud = consumer();
  auto events = cloud.fetch();
  REQUIRE(events.is_ok());
  for (const Event& event : *events)
    CHECK(cloud.acknowledge(event.sequence).is_ok());
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.dropped.damaged == 2);
  CHECK(outbox().ledger.acknowledged == 3);
  CHECK(test::balances(outbox().ledger));
}

TEST_CASE_FIXTURE(Repaired, "repair: a sound database is left as it is") {
  given_a_closed_gateway();
  const DamageReport report = repair();
  CHECK(report.problems.empty());
  CHECK(report.set_aside.empty());
  CHECK_FALSE(std::filesystem::exists(options.database + "-damaged-1"));
  open();
  CHECK(stored().size() == 5);
}

TEST_CASE_FIXTURE(Repaired, "repair: only an owner repairs, and only what is there") {
  CHECK(Gateway::repair(options).status().code() == Code::not_found);
  CHECK_FALSE(std::filesystem::exists(options.database));
  open();
  CHECK(Gateway::repair(options).status().code() == Code::busy);
  options.access = Access::read;
  CHECK(Gateway::repair(options).status().code() == Code::invalid_argument);
}

TEST_CASE_FIXTURE(Repaired, "verify: rotten dead letters and wrong groups are found") {
  given_a_closed_gateway();
  sql("INSERT INTO edgepost_dead VALUES (1, 1, 3, 'cloud', 'refused', 1, '', '', 0, 0, x'00')");
  options.access = Access::read;
  open();
  const Texts found = problems();
  REQUIRE(found.size() == 2);
  CHECK(found[0].find("dead letter of sequence 3, consumer cloud") != std::string::npos);
  CHECK(found[1].find("groups") != std::string::npos);
  close();
  options.access = Access::own;
  CHECK(repair().problems.size() >= 2);
  open();
  check_sound();
}

TEST_CASE_FIXTURE(Repaired, "verify: tries of nobody are found, and go with a repair") {
  given_a_closed_gateway();
  sql("PRAGMA foreign_keys=OFF; INSERT INTO edgepost_attempt VALUES (1000, 3, 1, '', '')");
  options.access = Access::read;
  open();
  CHECK(problems() == Texts{"attempts: 1 rows make no sense"});
  options.access = Access::own;
  close();
  CHECK(repair().problems.size() == 1);
  open();
  check_sound();
}

TEST_CASE_FIXTURE(Repaired, "status: whoever only reads is told of the newest evidence") {
  given_a_closed_gateway();
  options.access = Access::read;
  open();
  CHECK_FALSE(gateway->status().damage.has_value());
  close();
  sql("UPDATE edgepost_segment_1 SET data = x'00' WHERE last_seq = 2");
  options.access = Access::own;
  (void)repair();
  options.access = Access::read;
  open();
  REQUIRE(gateway->status().damage.has_value());
  CHECK(gateway->status().damage->set_aside == options.database + "-damaged-1");
}
