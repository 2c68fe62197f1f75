#include "store/claims.hpp"

#include <doctest.h>

#include <string>

#include "edgepost/platform.hpp"
#include "store/schema.hpp"
#include "support/temp_dir.hpp"

using namespace edgepost;
using namespace edgepost::store;

namespace {

struct ClaimsFixture {
  ClaimsFixture() {
    auto opened = Connection::open(dir.file("c.db"), "", Connection::Mode::read_write);
    REQUIRE(opened.is_ok());
    connection.emplace(std::move(*opened));
    REQUIRE(migrate(*connection, *default_platform().random).is_ok());
    REQUIRE(connection->run("BEGIN IMMEDIATE").is_ok());
  }

  bool claim(Claims& claims, const std::string& id, std::string_view scope = "mqtt") {
    const Result<bool> is_first = claims.claim(*connection, scope, id);
    INFO(is_first.status().message());
    REQUIRE(is_first.is_ok());
    return *is_first;
  }

  std::int64_t remembered() {
    return *connection->integer("SELECT count(*) FROM edgepost_claim WHERE scope = 'mqtt'");
  }

  test::TempDir dir;
  std::optional<Connection> connection;
};

}  // namespace

TEST_CASE_FIXTURE(ClaimsFixture, "claims: an id is claimed once in each scope [P-13]") {
  Claims claims(10);
  CHECK(claim(claims, "a"));
  CHECK_FALSE(claim(claims, "a"));
  CHECK(claim(claims, "a", "modbus"));
  CHECK(claim(claims, "b"));
  CHECK_FALSE(claim(claims, "a"));
}

TEST_CASE_FIXTURE(ClaimsFixture, "claims: the newest of each scope are remembered, no more") {
  Claims claims(3);
  CHECK(claim(claims, "other", "modbus"));
  for (const char* id : {"a", "b", "c", "d", "e"})
    CHECK(claim(claims, id));
  CHECK(remembered() == 3);
  for (const char* id : {"c", "d", "e"})
    CHECK_FALSE(claim(claims, id));
  CHECK(claim(claims, "a"));
  CHECK_FALSE(claim(claims, "other", "modbus"));
}

TEST_CASE_FIXTURE(ClaimsFixture, "claims: a lowered number is reached a few rows at a time") {
  Claims before(100);
  for (int i = 0; i < 100; ++i)
    CHECK(claim(before, std::to_string(i)));
  Claims after(10);
  CHECK(claim(after, "next"));
  CHECK(remembered() == 101 - 16);
  for (int i = 0; i < 10; ++i)
    CHECK(claim(after, "more " + std::to_string(i)));
  CHECK(remembered() == 10);
  CHECK_FALSE(claim(after, "more 0"));
}

TEST_CASE_FIXTURE(ClaimsFixture, "claims: scope and id have their lengths") {
  Claims claims(10);
  const auto code = [&](const std::string& scope, const std::string& id) {
    return claims.claim(*connection, scope, id).status().code();
  };
  CHECK(code("", "id") == Code::invalid_argument);
  CHECK(code("scope", "") == Code::invalid_argument);
  CHECK(code(std::string(81, 's'), "id") == Code::invalid_argument);
  CHECK(code("scope", std::string(256, 'i')) == Code::invalid_argument);
  CHECK(code(std::string(80, 's'), std::string(255, 'i')) == Code::ok);
}
