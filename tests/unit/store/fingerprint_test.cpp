#include "store/fingerprint.hpp"

#include <doctest.h>

#include "support/gateway_fixture.hpp"
#include "support/sql.hpp"

using namespace edgepost;
using store::Connection;
using store::SchemaDifference;
using test::GatewayFixture;
using test::sql;

namespace {

using Names = std::vector<std::string>;

SchemaDifference difference(const std::string& path) {
  auto connection = Connection::open(path, "", Connection::Mode::read_only);
  REQUIRE(connection.is_ok());
  auto compared = store::compare_schema(*connection);
  INFO(compared.status().message());
  REQUIRE(compared.is_ok());
  return *compared;
}

struct WithStream : GatewayFixture {
  WithStream() {
    open();
    publish_many(1, 3);
    close();
  }
};

}  // namespace

TEST_CASE_FIXTURE(WithStream, "fingerprint: what the library makes differs in nothing") {
  sql(options.database,
      "CREATE TABLE mine (x); CREATE INDEX i ON mine (x); CREATE VIEW v AS SELECT x FROM mine;"
      "CREATE TRIGGER t AFTER INSERT ON mine BEGIN DELETE FROM mine; END;");
  CHECK(difference(options.database).strange == Names{});
  CHECK(difference(options.database).broken == Names{});
  const std::string old = EDGEPOST_TEST_FIXTURES "/schema_v1.db";
  CHECK(difference(old).strange == Names{});
  CHECK(difference(old).broken == Names{});
}

TEST_CASE_FIXTURE(WithStream, "fingerprint: a stranger's trigger, index and view are named") {
  sql(options.database,
      "CREATE TRIGGER spy AFTER INSERT ON edgepost_segment_1 BEGIN SELECT 1; END;"
      "CREATE INDEX slow ON edgepost_dead (reason); CREATE VIEW edgepost_view AS SELECT 1;");
  const SchemaDifference found = difference(options.database);
  CHECK(found.strange == Names{"index slow on edgepost_dead", "trigger spy on edgepost_segment_1",
                               "view edgepost_view"});
  CHECK(found.broken == Names{});
}

TEST_CASE_FIXTURE(WithStream, "fingerprint: a changed and a missing table are named") {
  sql(options.database,
      "ALTER TABLE edgepost_segment_1 ADD COLUMN more TEXT; DROP TABLE edgepost_clock;");
  CHECK(difference(options.database).broken ==
        Names{"table edgepost_clock", "table edgepost_segment_1"});
}

TEST_CASE_FIXTURE(WithStream, "fingerprint: segments without their stream are named") {
  sql(options.database, "DELETE FROM edgepost_stream");
  CHECK(difference(options.database).broken == Names{"table edgepost_segment_1"});
}

TEST_CASE_FIXTURE(WithStream, "fingerprint: a database with a planted trigger is refused by name") {
  sql(options.database,
      "CREATE TRIGGER spy AFTER INSERT ON edgepost_segment_1 BEGIN SELECT 1; END");
  for (const Access access : {Access::own, Access::read}) {
    options.access = access;
    const Status status = Gateway::open(options).status();
    CHECK(status.code() == Code::corrupt);
    CHECK(status.message().find("trigger spy on edgepost_segment_1") != std::string::npos);
  }
}
