#include "bus/prepared.hpp"

#include <doctest.h>

#include <memory>
#include <vector>

using edgepost::Bus;
using edgepost::Code;
using edgepost::Event;
using edgepost::Status;
using edgepost::Subscription;
using edgepost::Topic;

namespace {

Status listen(const Event&) { return {}; }

}  // namespace

TEST_CASE("topic: what is published with it has its name") {
  Bus bus;
  for (const char* name : {"a", "level/1", "level/one/and/more", "level/one/and/moreandmore"}) {
    const Topic topic = *bus.topic(name);
    Event event;
    event.topic = topic.name();
    CHECK(bus.publish(topic, event).is_ok());
    for (std::size_t place = 0; place < event.topic.size(); ++place) {
      Event other = event;
      ++other.topic[place];
      CHECK(bus.publish(topic, other).code() == Code::invalid_argument);
    }
    event.topic += "x";
    CHECK(bus.publish(topic, event).code() == Code::invalid_argument);
  }
}

TEST_CASE("topic: it names itself, and what was prepared, when an event has another topic") {
  Bus bus;
  const Topic topic = *bus.topic("oven/1");
  Event event;
  event.topic = "oven/2";
  CHECK(bus.publish(topic, event).message() == "topic: is 'oven/2', 'oven/1' was prepared");
}

TEST_CASE("topic: a wrong name is refused") {
  Bus bus;
  CHECK(bus.topic("a/+").status().code() == Code::invalid_argument);
  CHECK(bus.topic("").status().code() == Code::invalid_argument);
  CHECK(Topic().name().empty());
}

TEST_CASE("topic: it outlives its bus and reaches those of another") {
  auto first = std::make_unique<Bus>();
  const Topic topic = *first->topic("a");
  const Subscription gone = *first->subscribe("a", listen);
  Event event;
  event.topic = "a";
  CHECK(first->publish(topic, event).is_ok());
  first.reset();
  Bus second;
  int heard = 0;
  const Subscription listening = *second.subscribe("a", [&](const Event&) {
    ++heard;
    return Status();
  });
  CHECK(second.publish(topic, event).is_ok());
  CHECK(heard == 1);
}

TEST_CASE("topic: a handler that it calls may let go of it, and change who listens") {
  Bus bus;
  Event event;
  event.topic = "a";
  auto topic = std::make_unique<Topic>(*bus.topic("a"));
  std::vector<Subscription> more;
  int heard = 0;
  const Subscription first = *bus.subscribe("a", [&](const Event&) {
    for (int i = 0; i < 200; ++i)
      more.push_back(*bus.subscribe("a", listen));
    topic.reset();
    more.clear();
    return Status();
  });
  const Subscription second = *bus.subscribe("a", [&](const Event&) {
    ++heard;
    return Status();
  });
  CHECK(bus.publish(*topic, event).is_ok());
  CHECK(heard == 1);
}
