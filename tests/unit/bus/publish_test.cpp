#include <doctest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "edgepost/bus.hpp"

using edgepost::Bus;
using edgepost::Event;
using edgepost::Status;
using edgepost::Subscription;
using edgepost::Topic;

namespace {

// What the whole program has taken and not given back, and how often it has asked.
std::atomic<std::size_t> blocks_taken = 0;
std::atomic<std::size_t> blocks_held = 0;

void* take(std::size_t bytes, std::size_t alignment) {
  ++blocks_taken;
  ++blocks_held;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void give_back(void* block) {
  if (block != nullptr) --blocks_held;
  std::free(block);
}

Status listen(const Event&) { return {}; }

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { give_back(block); }
void operator delete(void* block, std::size_t) noexcept { give_back(block); }
void operator delete(void* block, std::align_val_t) noexcept { give_back(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { give_back(block); }

TEST_CASE("publish: in steady state it takes no memory") {
  Bus bus;
  Event event;
  event.topic = "site/10/line/20/device/100/temperature";
  Event inner;
  inner.topic = "site/10/summary/of/everything/there/is";
  const Topic topic = *bus.topic(event.topic);
  std::vector<Subscription> subscriptions;
  for (const char* filter : {"site/10/line/20/device/100/temperature", "site/+/line/20/#", "#"})
    subscriptions.push_back(*bus.subscribe(filter, listen));
  subscriptions.push_back(
      *bus.subscribe("site/10/line/#", [&](const Event&) { return bus.publish(inner); }));
  const auto publish = [&] {
    CHECK(bus.publish(event).is_ok());
    CHECK(bus.publish(topic, event).is_ok());
  };
  for (int i = 0; i < 3; ++i)  // until what is published again and again is known
    publish();
  const std::size_t before = blocks_taken;
  for (int i = 0; i < 1'000; ++i)
    publish();
  CHECK(blocks_taken == before);
}

TEST_CASE("publish: a change of subscriptions costs a prepared topic memory once") {
  Bus bus;
  Event event;
  event.topic = "a";
  const Topic topic = *bus.topic("a");
  int heard = 0;
  const auto count = [&](const Event&) {
    ++heard;
    return Status();
  };
  CHECK(bus.publish(topic, event).is_ok());
  const Subscription first = *bus.subscribe("+", count);
  CHECK(bus.publish(topic, event).is_ok());
  const std::size_t before = blocks_taken;
  CHECK(bus.publish(topic, event).is_ok());
  CHECK(blocks_taken == before);
  CHECK(heard == 2);
}

TEST_CASE("bus: 100,000 subscriptions that came and went leave nothing behind") {
  Bus bus;
  Event event;
  event.topic = "a/7";
  const Topic topic = *bus.topic("a/7");
  std::size_t most = 0;
  int broken = 0;
  for (int round = 0; round < 100'000; ++round) {
    Subscription subscription =
        *bus.subscribe(round % 2 == 0 ? "a/+" : "a/" + std::to_string(round % 100), listen);
    const Status status = round % 3 == 0 ? bus.publish(event) : bus.publish(topic, event);
    if (!status.is_ok() || !subscription.unsubscribe()) ++broken;
    if (round == 1'000) most = blocks_held;
    if (round > 1'000 && blocks_held > most + 500) break;
  }
  CHECK(blocks_held <= most + 500);
  CHECK(broken == 0);
}

TEST_CASE("bus: threads and buses that came and went leave nothing behind") {
  const auto round = [] {
    Bus bus;
    const Subscription subscription = *bus.subscribe("a", listen);
    Event event;
    event.topic = "a";
    std::thread([&] { CHECK(bus.publish(event).is_ok()); }).join();
    CHECK(bus.publish(event).is_ok());
  };
  for (int warm = 0; warm < 10; ++warm)
    round();
  const std::size_t before = blocks_held;
  for (int i = 0; i < 1'000; ++i)
    round();
  CHECK(blocks_held <= before + 10);
}
