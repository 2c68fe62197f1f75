#include "bus/ring.hpp"

#include <doctest.h>

#include <limits>
#include <string>

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

}  // namespace
}  // namespace edgepost::bus
