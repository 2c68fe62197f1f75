#include "edgepost/window.hpp"

#include <doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/fake_clock.hpp"

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

// A bus in virtual time, and what it hears under `window/#`, as "topic data".
struct WindowFixture {
  WindowFixture() {
    listener = *bus.subscribe("window/#", [this](const Event& event) {
      lines.push_back(event.topic + " " + event.data);
      return Status();
    });
  }

  void publish(const std::string& topic, const std::string& data) {
    CHECK(bus.publish({.topic = topic, .data = data}).is_ok());
  }

  // What comes by then.
  std::vector<std::string> after(Duration time) {
    clock.advance(time);
    while (bus.step(clock.now()) <= clock.now()) {
    }
    return std::exchange(lines, {});
  }

  std::string refusal(const WindowOptions& options) {
    const auto window = Window::open(bus, options);
    CHECK(window.status().code() == Code::invalid_argument);
    return window.status().message();
  }

  test::FakeClock clock;
  Bus bus{BusOptions{.platform = {.clock = &clock}, .threads = false}};
  std::vector<std::string> lines;
  Subscription listener;
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE_FIXTURE(WindowFixture, "window: each topic's summary is published when the window ends") {
  const auto window = Window::open(bus, {.filter = "room/+", .length = 10s});
  REQUIRE(window.is_ok());
  after(10s - clock.now().time_since_epoch() % 10s);
  publish("room/1", "20");
  publish("room/2", "-1.5");
  publish("room/1", "30");
  publish("room/1", "warm");
  CHECK(after(9'999ms).empty());
  CHECK(after(1ms) ==
        Lines{R"(window/room/1 {"count":2,"min":20,"max":30,"avg":25,"last":30})",
              R"(window/room/2 {"count":1,"min":-1.5,"max":-1.5,"avg":-1.5,"last":-1.5})"});
  CHECK(after(30s).empty());
  publish("room/1", "1");
  CHECK(after(10s).size() == 1);
  CHECK(window->ignored() == 0);
}

TEST_CASE_FIXTURE(WindowFixture, "window: what it publishes is no value of its own") {
  const auto window = Window::open(bus, {.filter = "#",
                                         .length = 1s,
                                         .output = "window/all",
                                         .encode = [](const WindowSummary&) { return "7"; }});
  REQUIRE(window.is_ok());
  publish("a", "1");
  publish("window/other", "2");
  CHECK(after(1s) == Lines{"window/other 2", "window/all 7", "window/all 7"});
  CHECK(after(1s).empty());
}

TEST_CASE_FIXTURE(WindowFixture,
                  "window: the number, the topic and the data may be the user's own") {
  const auto window =
      Window::open(bus, {.filter = "a",
                         .length = 1s,
                         .output = "window/{topic}/of/{topic}",
                         .value = [](const Event& event) -> std::optional<double> {
                           if (event.data.empty()) return std::nullopt;
                           return static_cast<double>(event.data.size());
                         },
                         .encode =
                             [](const WindowSummary& summary) {
                               return std::string(summary.topic) + std::to_string(summary.count);
                             }});
  REQUIRE(window.is_ok());
  publish("a", "xyz");
  publish("a", "");
  CHECK(after(1s) == Lines{"window/a/of/a a1"});
}

TEST_CASE_FIXTURE(WindowFixture, "window: topics beyond the limit are ignored and counted") {
  const auto window = Window::open(bus, {.filter = "+", .length = 1s, .topics_max = 1});
  REQUIRE(window.is_ok());
  publish("a", "1");
  publish("b", "1");
  publish("a", "nan");
  CHECK(window->ignored() == 1);
  CHECK(after(1s).size() == 1);
}

TEST_CASE_FIXTURE(WindowFixture, "window: its end publishes nothing") {
  {
    auto window = Window::open(bus, {.filter = "a", .length = 1s});
    REQUIRE(window.is_ok());
    publish("a", "1");
    const Window moved = std::move(*window);
    CHECK(bus.status().subscriptions == 2);
  }
  CHECK(bus.status().subscriptions == 1);
  CHECK(after(10s).empty());
}

TEST_CASE_FIXTURE(WindowFixture, "window: a handler of its summary may end it") {
  std::optional<Window> window;
  const auto ender = bus.subscribe("window/a", [&](const Event&) {
    window.reset();
    return Status();
  });
  window = *Window::open(bus, {.filter = "+", .length = 1s});
  publish("a", "1");
  publish("b", "1");
  CHECK(after(1s).size() == 1);
}

TEST_CASE_FIXTURE(WindowFixture, "window: wrong options are named") {
  CHECK(refusal({.filter = "a#"}) == "filter: byte 1 is '#', a wildcard must be a whole level");
  CHECK(refusal({.filter = "a", .length = 999us}) == "length: must be 1 ms to 366 days");
  CHECK(refusal({.filter = "a", .length = 24h * 367}) == "length: must be 1 ms to 366 days");
  CHECK(refusal({.filter = "a", .output = "+/{topic}"}).starts_with("output: topic: byte 0"));
  CHECK(refusal({.filter = "a", .topics_max = 0}) == "topics_max: must be 1 or more");
}
