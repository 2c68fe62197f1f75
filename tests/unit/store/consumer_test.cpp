#include <doctest.h>

#include <optional>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(GatewayFixture, "consumer: events come in the order they were stored [P-10]") {
  open();
  publish_many(1, 5);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 2) == Texts{"1", "2"});
  publish_many(6, 7);
  CHECK(fetch(cloud, 10) == Texts{"3", "4", "5", "6", "7"});
  CHECK(fetch(cloud, 10).empty());
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: an acknowledged event is never fetched again [P-05]") {
  open();
  publish_many(1, 4);
  Consumer cloud = consumer();
  fetch(cloud, 4);
  REQUIRE(cloud.acknowledge(1).is_ok());
  REQUIRE(cloud.acknowledge(3).is_ok());
  cloud.rewind();
  CHECK(fetch(cloud, 10) == Texts{"2", "4"});
  CHECK(cloud.status().floor == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: the floor is where the first gap is, and survives") {
  open();
  publish_many(1, 4);
  {
    Consumer cloud = consumer();
    fetch(cloud, 4);
    for (const std::uint64_t sequence : {2U, 1U, 4U})
      REQUIRE(cloud.acknowledge(sequence).is_ok());
    CHECK(cloud.status().floor == 2);
    CHECK(cloud.status().lag == 2);
  }
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 10) == Texts{"3"});
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "consumer: what comes again has the same id and sequence [P-12]") {
  open();
  publish_many(1, 3);
  Consumer cloud = consumer();
  const auto first = cloud.fetch({});
  cloud.rewind();
  const auto second = cloud.fetch({});
  REQUIRE(first.is_ok());
  REQUIRE(second.is_ok());
  CHECK(*first == *second);
  CHECK_FALSE(first->front().id.is_nil());
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: acknowledging what was not fetched is refused") {
  open();
  publish_many(1, 2);
  Consumer cloud = consumer();
  fetch(cloud, 1);
  CHECK(cloud.acknowledge(2).code() == Code::invalid_argument);
  CHECK(cloud.acknowledge(1).is_ok());
  CHECK(cloud.acknowledge(1).is_ok());
  CHECK(cloud.status().floor == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: a new one begins where it is told to") {
  open();
  publish_many(1, 5);
  auto late = gateway->consumer("outbox", {.name = "late", .from = {4}});
  REQUIRE(late.is_ok());
  CHECK(fetch(*late, 10) == Texts{"4", "5"});
  auto beyond = gateway->consumer("outbox", {.name = "beyond", .from = {99}});
  REQUIRE(beyond.is_ok());
  CHECK(fetch(*beyond, 10).empty());
  publish("6");
  CHECK(fetch(*beyond, 10) == Texts{"6"});
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: it cannot be opened twice, but again when let go") {
  open();
  {
    const Consumer first = consumer();
    CHECK(gateway->consumer("outbox", {.name = "cloud"}).status().code() == Code::busy);
  }
  const Consumer again = consumer();
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: unknown streams and bad names are refused") {
  open();
  CHECK(gateway->consumer("nowhere", {.name = "c"}).status().code() == Code::not_found);
  CHECK(gateway->consumer("outbox", {.name = "Not Good"}).status().code() ==
        Code::invalid_argument);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: after its gateway is closed it says so") {
  open();
  publish("1");
  std::optional<Consumer> cloud = consumer();
  fetch(*cloud, 1);
  close();
  CHECK(cloud->fetch({}).status().code() == Code::wrong_state);
  CHECK(cloud->acknowledge(1).code() == Code::wrong_state);
  cloud->rewind();
  CHECK(cloud->status().lag == 0);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: what is acknowledged above a gap survives [P-12]") {
  open();
  publish_many(1, 300);
  {
    Consumer cloud = consumer();
    fetch(cloud, 300);
    for (std::uint64_t sequence = 2; sequence <= 299; ++sequence) {
      if (sequence != 100) REQUIRE(cloud.acknowledge(sequence).is_ok());
    }
  }
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 300) == Texts{"1", "100", "300"});
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(cloud.status().floor == 99);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: one that begins later settles nothing before [P-05]") {
  open();
  publish_many(1, 5);
  auto late = gateway->consumer("outbox", {.name = "late", .from = {6}});
  REQUIRE(late.is_ok());
  publish("6");
  REQUIRE(fetch(*late, 1) == Texts{"6"});
  REQUIRE(late->acknowledge(6).is_ok());
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.acknowledged == 0);
  CHECK(outbox().ledger.pending == 6);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 10) == Texts{"1", "2", "3", "4", "5", "6"});
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.acknowledged == 6);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: reading beyond every sequence finds nothing") {
  open();
  publish("1");
  for (const std::uint64_t far : {std::uint64_t{2}, ~std::uint64_t{0} / 2 + 1, ~std::uint64_t{0}}) {
    const auto events = gateway->read("outbox", Position{far});
    REQUIRE(events.is_ok());
    CHECK(events->empty());
  }
}
