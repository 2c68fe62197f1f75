#include <doctest.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

using Texts = std::vector<std::string>;

// A gateway with the stream `history` and no route of the fixture's.
struct RoutesFixture : test::GatewayFixture {
  RoutesFixture() {
    gateway = *Gateway::open(options);
    REQUIRE(gateway->create_stream({.name = "history"}).is_ok());
    REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  }
  ~RoutesFixture() { close(); }

  std::uint64_t publish(const std::string& topic, const std::string& data,
                        Durability durability = Durability::stored) {
    const auto receipt = gateway->publish({.topic = topic, .data = data}, durability);
    INFO(receipt.status().message());
    REQUIRE(receipt.is_ok());
    return receipt->sequence;
  }

  Texts stored(const std::string& stream) {
    return data_of(*gateway->read(stream, Position::start(), {.events = 10'000}));
  }

  std::string refusal(const RouteOptions& wanted) {
    const Status status = gateway->route("a", "history", wanted);
    CHECK(status.code() == Code::invalid_argument);
    return status.message();
  }
};

}  // namespace

TEST_CASE_FIXTURE(RoutesFixture, "route: every n-th event of each topic is stored") {
  REQUIRE(gateway->route("room/#", "history", {.every = 3}).is_ok());
  Texts heard;
  const auto all = gateway->subscribe("#", [&](const Event& event) {
    heard.push_back(event.data);
    return Status();
  });
  for (const char* data : {"1", "2", "3", "4"})
    publish("room/1", data);
  CHECK(publish("room/2", "other") == 3);
  CHECK(publish("room/1", "5") == 0);
  CHECK(stored("history") == Texts{"1", "4", "other"});
  CHECK(heard == Texts{"1", "2", "3", "4", "other", "5"});
}

TEST_CASE_FIXTURE(RoutesFixture, "route: one event of each topic in an interval is stored") {
  REQUIRE(gateway->route("#", "history", {.interval = 10s}).is_ok());
  publish("a", "1");
  clock.advance(9s);
  publish("a", "2");
  publish("b", "3");
  clock.advance(1s);
  publish("a", "4");
  CHECK(stored("history") == Texts{"1", "3", "4"});
}

TEST_CASE_FIXTURE(RoutesFixture, "route: one that samples takes nothing from another") {
  REQUIRE(gateway->route("#", "history", {.every = 2}).is_ok());
  REQUIRE(gateway->route("#", "alarms").is_ok());
  for (const char* data : {"1", "2", "3"})
    publish("a", data);
  CHECK(stored("history") == Texts{"1", "3"});
  CHECK(stored("alarms") == Texts{"1", "2", "3"});
}

TEST_CASE_FIXTURE(RoutesFixture, "route: its durability is the event's, and the strictest wins") {
  REQUIRE(gateway->route("slow", "history", {.durability = Durability::buffered}).is_ok());
  REQUIRE(gateway->route("fast", "alarms", {.durability = Durability::stored}).is_ok());
  REQUIRE(gateway->route("both", "history", {.durability = Durability::buffered}).is_ok());
  REQUIRE(gateway->route("both", "alarms", {.durability = Durability::stored}).is_ok());
  publish("slow", "1", Durability::stored);
  CHECK(stored("history").empty());
  CHECK(publish("fast", "2", Durability::buffered) == 1);
  CHECK(stored("alarms") == Texts{"2"});
  publish("both", "3", Durability::buffered);
  CHECK(stored("alarms") == Texts{"2", "3"});
  CHECK(stored("history") == Texts{"1", "3"});
}

TEST_CASE_FIXTURE(RoutesFixture, "route: a transaction stores what it takes, and samples too") {
  REQUIRE(gateway->route("a", "history", {.every = 2, .durability = Durability::buffered}).is_ok());
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                for (const char* data : {"1", "2", "3"}) {
                  const auto receipt = transaction.publish({.topic = "a", .data = data});
                  if (!receipt) return receipt.status();
                }
                return Status();
              })
              .is_ok());
  CHECK(stored("history") == Texts{"1", "3"});
}

TEST_CASE_FIXTURE(RoutesFixture,
                  "route: a wrong option or filter and an unknown stream are refused") {
  CHECK(refusal({.every = 0}) == "every: must be 1 or more");
  CHECK(refusal({.interval = -1us}) == "interval: must be 0 to 24 h");
  CHECK(refusal({.interval = 25h}) == "interval: must be 0 to 24 h");
  CHECK(gateway->route("a#", "history").code() == Code::invalid_argument);
  CHECK(gateway->route("a", "nowhere").code() == Code::not_found);
}

TEST_CASE_FIXTURE(RoutesFixture, "route: of a thousand each event finds its own") {
  for (int i = 0; i < 1'000; ++i)
    REQUIRE(gateway->route("line/" + std::to_string(i) + "/+", "history").is_ok());
  REQUIRE(gateway->route("line/7/heat", "alarms").is_ok());
  publish("line/7/heat", "1", Durability::buffered);
  publish("line/999/heat", "2", Durability::buffered);
  CHECK(gateway->publish({.topic = "line/1000/heat"}).status().code() == Code::not_found);
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored("history") == Texts{"1", "2"});
  CHECK(stored("alarms") == Texts{"1"});
}

TEST_CASE_FIXTURE(RoutesFixture, "route: it goes with its stream") {
  REQUIRE(gateway->route("a", "history").is_ok());
  REQUIRE(gateway->delete_stream("history").is_ok());
  CHECK(gateway->publish({.topic = "a"}).status().code() == Code::not_found);
  REQUIRE(gateway->create_stream({.name = "history", .filters = {"b"}}).is_ok());
  CHECK(gateway->publish({.topic = "a"}).status().code() == Code::not_found);
  publish("b", "1");
  CHECK(stored("history") == Texts{"1"});
}

TEST_CASE_FIXTURE(RoutesFixture, "spill: its handler stores an event, and nobody hears it again") {
  CHECK(gateway->spill("nowhere").status().code() == Code::not_found);
  const Handler spill = *gateway->spill("history");
  int heard = 0;
  const auto all = gateway->subscribe("#", [&](const Event&) {
    ++heard;
    return Status();
  });
  CHECK(spill({.topic = "a", .data = "1"}).is_ok());
  CHECK(heard == 0);
  CHECK(stored("history").empty());
  REQUIRE(gateway->flush().is_ok());
  CHECK(stored("history") == Texts{"1"});
  CHECK(spill({.topic = "a#"}).code() == Code::invalid_argument);
  REQUIRE(gateway->delete_stream("history").is_ok());
  CHECK(spill({.topic = "a"}).code() == Code::not_found);
}
