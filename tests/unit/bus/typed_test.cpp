#include "edgepost/typed.hpp"

#include <doctest.h>

#include <optional>
#include <string>
#include <utility>

using namespace edgepost;

namespace {

struct Reading {
  double degrees = 0;
  std::uint32_t sensor = 0;
};

struct Text {
  std::string words;
};

}  // namespace

template <>
struct edgepost::Codec<Text> {
  static void encode(const Text& value, std::string& data) { data = "<" + value.words + ">"; }
  static Status decode(std::string_view data, Text& value) {
    if (data.size() < 2) return {Code::invalid_argument, "text: no brackets"};
    value.words = data.substr(1, data.size() - 2);
    return {};
  }
};

TEST_CASE("typed: a value arrives as it was published") {
  Bus bus;
  std::optional<Reading> heard;
  std::string topic;
  const auto subscription =
      on<Reading>(bus, "oven/+", [&](const Reading& reading, const Event& event) {
        heard = reading;
        topic = event.topic;
      });
  REQUIRE(subscription.is_ok());
  Publisher<Reading> publisher(bus, bus.topic("oven/1").value());
  CHECK(publisher.publish({.degrees = 21.5, .sensor = 7}).is_ok());
  REQUIRE(heard.has_value());
  CHECK(heard->degrees == 21.5);
  CHECK(heard->sensor == 7);
  CHECK(topic == "oven/1");
}

TEST_CASE("typed: a handler may take the value alone, return a status, and change itself") {
  Bus bus;
  const auto failing = on<int>(bus, "a", [calls = 0](int value) mutable -> Status {
    if (++calls == value) return {};
    return {Code::unavailable, "not this one"};
  });
  REQUIRE(failing.is_ok());
  Event event{.topic = "a"};
  for (const int value : {1, 1, 3}) {
    Codec<int>::encode(value, event.data);
    CHECK(bus.publish(event).is_ok());
  }
  CHECK(bus.status().delivered == 3);
  CHECK(bus.status().failed == 1);
}

TEST_CASE("typed: data of another size are a failure, and the handler is not called") {
  Bus bus;
  int calls = 0;
  const auto subscription = on<std::uint32_t>(bus, "a", [&](std::uint32_t) { ++calls; });
  REQUIRE(subscription.is_ok());
  CHECK(bus.publish({.topic = "a", .data = "123"}).is_ok());
  CHECK(calls == 0);
  CHECK(bus.status().failed == 1);
  std::uint32_t value = 0;
  CHECK(Codec<std::uint32_t>::decode("123", value).message() == "data: 3 bytes, 4 are wanted");
}

TEST_CASE("typed: a codec of the user's own reads and writes") {
  Bus bus;
  std::string heard;
  const auto subscription = on<Text>(bus, "a", [&](const Text& text) { heard = text.words; });
  REQUIRE(subscription.is_ok());
  Publisher<Text> publisher(bus, bus.topic("a").value());
  CHECK(publisher.publish({"hello"}).is_ok());
  CHECK(heard == "hello");
  CHECK(bus.publish({.topic = "a", .data = "?"}).is_ok());
  CHECK(bus.status().failed == 1);
}

TEST_CASE("typed: a wrong filter is refused") {
  Bus bus;
  CHECK(on<int>(bus, "a#", [](int) {}).status().code() == Code::invalid_argument);
  CHECK(on<int>(bus, "a", {.priority = 101}, [](int) {}).status().code() == Code::invalid_argument);
}
