#include "bus/retained.hpp"

#include <doctest.h>

#include <string>
#include <vector>

#include "bus/shared.hpp"

using namespace edgepost;
using bus::Retained;

namespace {

// What a subscription that came now would hear, as "topic=data ".
std::string heard(const Retained& retained, std::string_view filter) {
  std::string all;
  Event event;
  for (const Retained::Kept& kept : retained.matching(filter)) {
    CHECK(retained.copy(kept, event));
    all += event.topic + "=" + event.data + " ";
  }
  return all;
}

}  // namespace

TEST_CASE("retained: the last event of each topic is kept, until one without data") {
  Retained retained(10);
  retained.keep({.topic = "b", .data = "1"});
  retained.keep({.topic = "a/1", .data = "2"});
  retained.keep({.topic = "b", .data = "3"});
  CHECK(heard(retained, "#") == "a/1=2 b=3 ");
  CHECK(heard(retained, "a/+") == "a/1=2 ");
  CHECK(heard(retained, "b") == "b=3 ");
  retained.keep({.topic = "b"});
  retained.keep({.topic = "c"});
  CHECK(heard(retained, "#") == "a/1=2 ");
  CHECK(retained.size() == 1);
}

TEST_CASE("retained: topics beyond the limit are not kept, those that are go on") {
  Retained retained(1);
  retained.keep({.topic = "a", .data = "1"});
  retained.keep({.topic = "b", .data = "2"});
  retained.keep({.topic = "a", .data = "3"});
  CHECK(heard(retained, "#") == "a=3 ");
}

TEST_CASE("retained: an event that another one has replaced is not copied") {
  Retained retained(1);
  retained.keep({.topic = "a", .data = "1"});
  const auto kept = retained.matching("a");
  retained.keep({.topic = "a", .data = "1"});
  Event event;
  CHECK_FALSE(retained.copy(kept.front(), event));
  CHECK(retained.copy(retained.matching("a").front(), event));
  retained.keep({.topic = "a"});
  CHECK_FALSE(retained.copy(kept.front(), event));
}

TEST_CASE("bus: it keeps from retain on, once however many filters match") {
  Bus bus;
  CHECK(bus.publish({.topic = "a", .data = "1"}).is_ok());
  CHECK(bus.retain("+").is_ok());
  CHECK(bus.retain("+").is_ok());
  CHECK(bus.retain("a").is_ok());
  CHECK(bus.status().retained == 0);
  CHECK(bus.publish({.topic = "a", .data = "1"}).is_ok());
  CHECK(bus.publish({.topic = "a/b", .data = "1"}).is_ok());
  CHECK(bus.status().retained == 1);
  CHECK(bus.status().subscriptions == 0);
  CHECK(bus.status().delivered == 0);
  CHECK(bus.retain("a+").message() == "filter: byte 1 is '+', a wildcard must be a whole level");
}

TEST_CASE("bus: a new subscription hears what is kept before subscribe returns, if it asks") {
  Bus bus;
  CHECK(bus.retain("#").is_ok());
  for (const char* data : {"1", "2"})
    CHECK(bus.publish({.topic = "b", .data = data}).is_ok());
  CHECK(bus.publish({.topic = "a", .data = "3"}).is_ok());
  std::string heard;
  const Handler handler = [&](const Event& event) {
    heard += event.topic + event.data;
    return Status();
  };
  const auto silent = bus.subscribe("#", {}, handler);
  CHECK(heard.empty());
  const auto all = bus.subscribe("#", {.retained = true}, handler);
  CHECK(heard == "a3b2");
  const auto one = bus.subscribe("#", {.once = true, .retained = true}, handler);
  CHECK(heard == "a3b2a3");
  CHECK(bus.status().subscriptions == 2);
  CHECK(bus.status().delivered == 0);
}

TEST_CASE("bus: what is replaced while it is heard anew is left out") {
  Bus bus;
  CHECK(bus.retain("#").is_ok());
  CHECK(bus.publish({.topic = "a", .data = "1"}).is_ok());
  CHECK(bus.publish({.topic = "b", .data = "1"}).is_ok());
  std::string heard;
  const auto all = bus.subscribe("+", {.retained = true}, [&](const Event& event) {
    heard += event.topic + event.data;
    if (event.topic == "a") (void)bus.publish({.topic = "b", .data = "2"});
    return Status();
  });
  CHECK(heard == "a1b2");
}

TEST_CASE("bus: what is kept comes through the queue of one that has a queue") {
  Bus bus({.threads = false});
  CHECK(bus.retain("#").is_ok());
  CHECK(bus.publish({.topic = "a", .data = "1"}).is_ok());
  std::string heard;
  const auto queued =
      bus.subscribe("#", {.retained = true, .run = Run::shared}, [&](const Event& event) {
        heard += event.data;
        return Status();
      });
  CHECK(heard.empty());
  bus.step(Instant());
  CHECK(heard == "1");
}
