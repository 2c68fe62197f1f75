#include "bus/gate.hpp"

#include <doctest.h>

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace edgepost::bus {
namespace {

using std::chrono::milliseconds;

// A gate and the time; events have short topics and data.
class GateFixture {
 public:
  explicit GateFixture(const SubscribeOptions& options, std::size_t topics_max = 100)
      : options_(options), gate(options_, topics_max) {}

  // 'p'asses, 'l'eft out or 'h'eld.
  char admit(const std::string& topic, const std::string& data = {}) {
    Event event;
    event.topic = topic;
    event.data = data;
    return "plh"[static_cast<std::size_t>(gate.admit(event, now))];
  }

  // What admit() says about each of `data`, in the same order.
  std::string admit_all(const std::vector<std::string>& data) {
    std::string verdicts;
    for (const auto& one : data)
      verdicts += admit("t", one);
    return verdicts;
  }

  // Topics and data of what is released now.
  std::string release() {
    std::string all;
    std::unique_ptr<Event> event;
    while (gate.release(now, event))
      all += event->topic + event->data + ' ';
    return all;
  }

 private:
  const SubscribeOptions options_;

 public:
  Gate gate;
  Instant now{milliseconds(1000)};
};

TEST_CASE("gate: only events for which `where` is true pass") {
  GateFixture gate({.where = [](const Event& event) { return event.data == "yes"; }});
  CHECK(gate.admit_all({"yes", "no", "yes"}) == "plp");
}

TEST_CASE("gate: without options every event passes") {
  GateFixture gate({});
  CHECK(gate.admit_all({"", "", "a"}) == "ppp");
}

TEST_CASE("gate: on change, equal data are left out, for each topic apart") {
  GateFixture gate({.on_change = true});
  CHECK(gate.admit("a", "open") == 'p');
  CHECK(gate.admit("a", "open") == 'l');
  CHECK(gate.admit("b", "open") == 'p');
  CHECK(gate.admit("a", "shut") == 'p');
  CHECK(gate.admit("a", "open") == 'p');
}

TEST_CASE("gate: on change, equal numbers in other words are left out") {
  GateFixture gate({.on_change = true});
  CHECK(gate.admit_all({"1", "1.0", "1e0", "2"}) == "pllp");
}

TEST_CASE("gate: a number passes when it is off by more than the dead band, however slowly") {
  GateFixture gate({.on_change = true, .dead_band = 0.5});
  CHECK(gate.admit_all({"20", "20.5", "20.6", "20.2", "20.1", "20.0"}) == "plpllp");
  GateFixture creeping({.on_change = true, .dead_band = 0.5});
  CHECK(creeping.admit_all({"20", "20.25", "20.5", "20.75", "21"}) == "pllpl");
}

TEST_CASE("gate: a number after something else, and back, is a change") {
  GateFixture gate({.on_change = true, .dead_band = 5});
  CHECK(gate.admit_all({"20", "broken", "broken", "20", "21"}) == "pplpl");
}

TEST_CASE("gate: `value` says what is the number in an event") {
  GateFixture gate({.on_change = true, .value = [](const Event& event) -> std::optional<double> {
                      if (event.data.empty()) return std::nullopt;
                      return static_cast<double>(event.data.size());
                    }});
  CHECK(gate.admit_all({"a", "b", "cc", "", "", "dd"}) == "plpplp");
}

TEST_CASE("gate: what is not a number is compared by its data") {
  GateFixture gate({.on_change = true, .value = [](const Event&) { return std::nan(""); }});
  CHECK(gate.admit_all({"a", "a", "b"}) == "plp");
}

TEST_CASE("gate: every third event of a topic passes, the first one included") {
  GateFixture gate({.every = 3});
  CHECK(gate.admit_all({"1", "2", "3", "4", "5", "6", "7"}) == "pllpllp");
  CHECK(gate.admit("other") == 'p');
}

TEST_CASE("gate: `every` counts what has changed, and `interval` sees what it lets pass") {
  GateFixture gate({.on_change = true, .every = 2, .interval = milliseconds(10)});
  CHECK(gate.admit_all({"1", "1", "2", "3", "3", "4", "5"}) == "pllhlll");
}

TEST_CASE("gate: an interval lets the first event pass at once and the latest one at its end") {
  GateFixture gate({.interval = milliseconds(10)});
  CHECK(gate.admit_all({"1", "2", "3"}) == "phl");
  CHECK(gate.gate.next_due() == gate.now + milliseconds(10));
  CHECK(gate.gate.held() == 1);
  gate.now += milliseconds(9);
  CHECK(gate.release().empty());
  gate.now += milliseconds(1);
  CHECK(gate.release() == "t3 ");
  CHECK(gate.gate.held() == 0);
}

TEST_CASE("gate: the next interval begins when one ends with an event, and not when without") {
  GateFixture gate({.interval = milliseconds(10)});
  CHECK(gate.admit_all({"1", "2"}) == "ph");
  gate.now += milliseconds(10);
  CHECK(gate.release() == "t2 ");
  CHECK(gate.admit("t", "3") == 'h');
  gate.now += milliseconds(10);
  CHECK(gate.release() == "t3 ");
  gate.now += milliseconds(10);
  CHECK(gate.gate.next_due() == Instant::max());
  CHECK(gate.admit("t", "4") == 'p');
}

TEST_CASE("gate: an event that comes before a late release replaces the one held back") {
  GateFixture gate({.interval = milliseconds(10)});
  CHECK(gate.admit_all({"1", "2"}) == "ph");
  gate.now += milliseconds(15);
  CHECK(gate.admit("t", "3") == 'l');
  CHECK(gate.release() == "t3 ");
}

TEST_CASE("gate: intervals of topics end each at its own time, the earliest first") {
  GateFixture gate({.interval = milliseconds(10)});
  CHECK(gate.admit("a") == 'p');
  gate.now += milliseconds(2);
  CHECK(gate.admit("b") == 'p');
  CHECK(gate.admit("b", "2") == 'h');
  CHECK(gate.admit("a", "1") == 'h');
  gate.now += milliseconds(8);
  CHECK(gate.release() == "a1 ");
  gate.now += milliseconds(2);
  CHECK(gate.release() == "b2 ");
}

TEST_CASE("gate: sampled without the latest, what comes within an interval is left out") {
  GateFixture gate({.interval = milliseconds(10), .latest = false});
  CHECK(gate.admit_all({"1", "2"}) == "pl");
  gate.now += milliseconds(10);
  CHECK(gate.release().empty());
  CHECK(gate.admit("t", "3") == 'p');
}

TEST_CASE("gate: a topic beyond the limit takes the place of the one silent for longest") {
  GateFixture gate({.on_change = true}, 2);
  CHECK(gate.admit("a", "1") == 'p');
  CHECK(gate.admit("b", "1") == 'p');
  CHECK(gate.admit("a", "1") == 'l');
  CHECK(gate.admit("c", "1") == 'p');
  CHECK(gate.admit("a", "1") == 'l');
  CHECK(gate.admit("b", "1") == 'p');
}

TEST_CASE("gate: a topic that holds an event back is never forgotten") {
  GateFixture gate({.interval = milliseconds(10)}, 2);
  for (const char* topic : {"a", "b"}) {
    CHECK(gate.admit(topic, "1") == 'p');
    CHECK(gate.admit(topic, "2") == 'h');
  }
  CHECK(gate.admit("c", "1") == 'p');
  CHECK(gate.admit("c", "2") == 'p');
  gate.now += milliseconds(10);
  CHECK(gate.release() == "a2 b2 ");
}

}  // namespace
}  // namespace edgepost::bus
