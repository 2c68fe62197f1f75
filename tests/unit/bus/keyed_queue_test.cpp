#include "bus/keyed_queue.hpp"

#include <doctest.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>

namespace edgepost::bus {
namespace {

using Pushed = KeyedQueue::Pushed;

Event make_event(const std::string& topic, const std::string& key, const std::string& data) {
  Event event;
  event.topic = topic;
  event.key = key;
  event.data = data;
  return event;
}

// The data of all that wait.
std::string pop_all(KeyedQueue& queue) {
  std::string all;
  while (const Event* event = queue.pop())
    all += event->data;
  return all;
}

TEST_CASE("keyed queue: the newest event of a key stands where its first one stood") {
  KeyedQueue queue(4);
  CHECK(queue.push(make_event("t", "a", "1")) == Pushed::added);
  CHECK(queue.push(make_event("t", "b", "2")) == Pushed::added);
  CHECK(queue.push(make_event("u", "a", "3")) == Pushed::replaced);
  CHECK(queue.size() == 2);
  CHECK(pop_all(queue) == "32");
}

TEST_CASE("keyed queue: events without a key replace those of their topic only") {
  KeyedQueue queue(4);
  CHECK(queue.push(make_event("a", "", "1")) == Pushed::added);
  CHECK(queue.push(make_event("t", "a", "2")) == Pushed::added);
  CHECK(queue.push(make_event("b", "", "3")) == Pushed::added);
  CHECK(queue.push(make_event("a", "", "4")) == Pushed::replaced);
  CHECK(pop_all(queue) == "423");
}

TEST_CASE("keyed queue: a full one refuses a new key and still replaces an old one") {
  KeyedQueue queue(2);
  CHECK(queue.push(make_event("a", "", "1")) == Pushed::added);
  CHECK(queue.push(make_event("b", "", "2")) == Pushed::added);
  CHECK(queue.push(make_event("c", "", "3")) == Pushed::refused);
  CHECK(queue.push(make_event("b", "", "4")) == Pushed::replaced);
  CHECK(pop_all(queue) == "14");
  CHECK(queue.push(make_event("c", "", "5")) == Pushed::added);
}

TEST_CASE("keyed queue: what was taken stays as it is while others are pushed") {
  KeyedQueue queue(1);
  CHECK(queue.push(make_event("a", "", "1")) == Pushed::added);
  const Event* const taken = queue.pop();
  CHECK(queue.push(make_event("a", "", "2")) == Pushed::added);
  CHECK(taken->data == "1");
}

TEST_CASE("keyed queue: any run of pushes and pops does what a list would") {
  std::mt19937 random(7);
  KeyedQueue queue(8);
  std::deque<Event> model;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 3 == 0) {
      const Event* const event = queue.pop();
      REQUIRE((event == nullptr) == model.empty());
      if (event == nullptr) continue;
      REQUIRE(*event == model.front());
      model.pop_front();
      continue;
    }
    const Event event =
        make_event(std::to_string(random() % 12), random() % 2 ? "k" : "", std::to_string(step));
    const auto same = std::find_if(model.begin(), model.end(), [&](const Event& other) {
      return other.key == event.key && (!event.key.empty() || other.topic == event.topic);
    });
    const Pushed expected = same != model.end() ? Pushed::replaced
                            : model.size() == 8 ? Pushed::refused
                                                : Pushed::added;
    REQUIRE(queue.push(event) == expected);
    if (expected == Pushed::replaced) *same = event;
    if (expected == Pushed::added) model.push_back(event);
    REQUIRE(queue.size() == model.size());
  }
}

}  // namespace
}  // namespace edgepost::bus
