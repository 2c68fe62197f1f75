#include "bus/ring.hpp"

#include <doctest.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/schedules.hpp"

namespace edgepost::bus {
namespace {

Event make_event(const std::string& data) {
  Event event;
  event.topic = "t";
  event.data = data;
  return event;
}

bool push(Ring& ring, const std::string& data) { return ring.push(make_event(data)); }

// The data of all that wait.
std::string pop_all(Ring& ring) {
  std::string all;
  while (const Event* event = ring.pop())
    all += event->data;
  return all;
}

TEST_CASE("ring: events leave in the order in which they came") {
  Ring ring(4);
  CHECK(ring.is_empty());
  CHECK(push(ring, "a"));
  CHECK(push(ring, "b"));
  CHECK(ring.size() == 2);
  CHECK_FALSE(ring.is_empty());
  CHECK(pop_all(ring) == "ab");
  CHECK(ring.is_empty());
}

TEST_CASE("ring: a full one takes no more until there is room") {
  Ring ring(2);
  CHECK(push(ring, "a"));
  CHECK(push(ring, "b"));
  CHECK_FALSE(push(ring, "c"));
  CHECK(ring.size() == 2);
  CHECK(ring.pop()->data == "a");
  CHECK(push(ring, "d"));
  CHECK(pop_all(ring) == "bd");
}

TEST_CASE("ring: the oldest is dropped from a full one only") {
  Ring ring(2);
  CHECK_FALSE(ring.drop());
  CHECK(push(ring, "a"));
  CHECK_FALSE(ring.drop());
  CHECK(push(ring, "b"));
  CHECK(ring.drop());
  CHECK_FALSE(ring.drop());
  CHECK(push(ring, "c"));
  CHECK(pop_all(ring) == "bc");
}

TEST_CASE("ring: what was taken stays as it is while others come and are dropped") {
  Ring ring(1);
  CHECK(push(ring, "a"));
  const Event* const taken = ring.pop();
  for (const char* data : {"b", "c", "d"}) {
    CHECK(push(ring, data));
    CHECK(ring.drop());
  }
  CHECK(taken->data == "a");
}

TEST_CASE("ring: places go on when they overflow") {
  Ring ring(4, std::numeric_limits<std::size_t>::max() - 5);
  for (int round = 0; round < 4; ++round) {
    for (const char* data : {"a", "b", "c", "d"})
      CHECK(push(ring, data));
    CHECK_FALSE(push(ring, "e"));
    CHECK(ring.drop());
    CHECK(ring.size() == 3);
    CHECK(pop_all(ring) == "bcd");
  }
}

TEST_CASE("ring: all fields of an event arrive") {
  Event event = make_event("data");
  event.key = "key";
  event.type = "type";
  event.content_type = "text/plain";
  event.schema = "schema";
  event.source = "source";
  event.time = Timestamp(Duration(1));
  event.expires_after = Duration(2);
  event.not_before = Duration(3);
  event.correlation_id = "correlation";
  event.causation_id = "causation";
  event.trace_parent = "trace";
  event.attributes = {{"a", "1"}};
  event.sequence = 7;
  Ring ring(1);
  CHECK(ring.push(event));
  CHECK(*ring.pop() == event);
  CHECK(push(ring, "bare"));
  CHECK(ring.drop());
  CHECK(push(ring, "bare"));
  CHECK(*ring.pop() == make_event("bare"));
}

// Something that takes two steps to copy, so that a schedule can catch it half done.
struct Pair {
  Pair() = default;
  explicit Pair(int number) : first(number), second(number) {}
  Pair& operator=(const Pair& other) {
    first = other.first;
    schedules::run().step();
    second = other.second;
    return *this;
  }
  int first = 0;
  int second = 0;
};

using ModelRing = BasicRing<schedules::Atomic, Pair>;

// Two producers push two numbers each, making room if told to, and one consumer takes what it finds
// while they do, and the rest afterwards.
struct Race {
  explicit Race(std::size_t capacity)
      : ring(capacity, std::numeric_limits<std::size_t>::max() - 1) {}

  void produce(int number, bool drops) {
    for (const int each : {number, number + 1}) {
      bool is_in = ring.push(Pair(each));
      while (!is_in && drops && ring.drop()) {
        ++gone;
        is_in = ring.push(Pair(each));
      }
      if (!is_in) ++gone;
    }
    ++done;
  }

  void take() {
    const Pair* const pair = ring.pop();
    if (pair == nullptr) return;
    schedules::run().expect(pair->first == pair->second, "taken half written");
    taken.push_back(pair->first);
    schedules::run().step();
    schedules::run().expect(pair->first == taken.back(), "overwritten while it is used");
  }

  void consume() {
    take();
    take();
    schedules::run().wait([this] { return done == 2; });
    while (!ring.is_empty())
      take();
  }

  void check() const {
    schedules::run().expect(taken.size() + gone == 4, "lost uncounted, or had twice");
    for (const int first : {10, 20}) {
      int last = first - 1;
      for (const int number : taken) {
        if (number / 10 != first / 10) continue;
        schedules::run().expect(number > last, "out of order");
        last = number;
      }
    }
  }

  ModelRing ring;
  std::vector<int> taken;
  std::size_t gone = 0;
  int done = 0;
};

schedules::Report explore_race(std::size_t capacity, bool drops) {
  return schedules::explore(2, [=](schedules::Run& run) {
    auto race = std::make_shared<Race>(capacity);
    run.thread([=] { race->produce(10, drops); });
    run.thread([=] { race->produce(20, drops); });
    run.thread([=] { race->consume(); });
    run.at_end([=] { race->check(); });
  });
}

TEST_CASE("ring: in every schedule each event is taken whole and once, or counted as dropped") {
  for (const std::size_t capacity : {1U, 2U, 4U}) {
    for (const bool drops : {false, true}) {
      const schedules::Report report = explore_race(capacity, drops);
      CHECK(report.failure == "");
      CHECK(report.schedules > 1'000);
      MESSAGE("capacity ", capacity, ": ", report.schedules, " schedules");
    }
  }
}

}  // namespace
}  // namespace edgepost::bus
