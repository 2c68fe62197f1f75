#include "bus/entry.hpp"

#include <doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "edgepost/bus.hpp"

using edgepost::Bus;
using edgepost::Event;
using edgepost::Handler;
using edgepost::Status;
using edgepost::Subscription;

namespace {

Event event_on(std::string_view topic) {
  Event event;
  event.topic = topic;
  return event;
}

Subscription subscribe(Bus& bus, std::string_view filter, std::function<void()> work) {
  Handler handler = [work = std::move(work)](const Event&) {
    work();
    return Status();
  };
  return bus.subscribe(filter, std::move(handler)).value();
}

// Waits without a clock: until another thread has made `condition` true.
template <typename Condition>
void await(const Condition& condition) {
  while (!condition())
    std::this_thread::yield();
}

// Subscribes, publishes and unsubscribes over and over, and sets `broken` when a handler is called
// after its end.
void churn(Bus& bus, std::atomic<bool>& broken) {
  for (int round = 0; round < 300; ++round) {
    auto is_over = std::make_shared<std::atomic<bool>>(false);
    Subscription subscription = subscribe(bus, round % 2 == 0 ? "a/+" : "a/b", [&broken, is_over] {
      if (*is_over) broken = true;
    });
    if (round % 3 == 0) (void)bus.publish(event_on("a/b"));
    subscription.unsubscribe();
    *is_over = true;
    if (is_over.use_count() != 1) broken = true;
  }
}

}  // namespace

TEST_CASE("subscription: ending it waits for a call that runs on another thread") {
  Bus bus;
  std::atomic<bool> is_inside = false;
  std::atomic<bool> has_finished = false;
  auto resource = std::make_shared<int>(7);
  Subscription subscription = subscribe(bus, "a", [&, resource] {
    is_inside = true;
    await([&] { return bus.status().subscriptions == 0; });  // the other thread is ending it
    for (int i = 0; i < 1'000; ++i)
      std::this_thread::yield();
    has_finished = true;
  });
  std::thread publisher([&] { (void)bus.publish(event_on("a")); });
  await([&] { return is_inside.load(); });
  subscription.unsubscribe();
  CHECK(has_finished);
  CHECK(resource.use_count() == 1);
  publisher.join();
}

TEST_CASE("subscription: its own handler never waits for its calls on other threads") {
  Bus bus;
  std::atomic<bool> is_inside = false;
  std::atomic<bool> has_ended = false;
  Subscription own = subscribe(bus, "#", [&] {
    if (!is_inside.exchange(true)) {
      await([&] { return has_ended.load(); });
    } else {
      own.unsubscribe();
      has_ended = true;
    }
  });
  std::thread publisher([&] { (void)bus.publish(event_on("a")); });
  await([&] { return is_inside.load(); });
  (void)bus.publish(event_on("b"));
  publisher.join();
  CHECK(bus.status().subscriptions == 0);
}

TEST_CASE("bus: a handler that is stuck holds up no other publisher") {
  Bus bus;
  std::atomic<bool> is_inside = false;
  std::atomic<bool> is_free = false;
  const Subscription stuck = subscribe(bus, "slow", [&] {
    is_inside = true;
    await([&] { return is_free.load(); });
  });
  int heard = 0;
  const Subscription other = subscribe(bus, "fast", [&] { ++heard; });
  std::thread publisher([&] { (void)bus.publish(event_on("slow")); });
  await([&] { return is_inside.load(); });
  for (int i = 0; i < 100; ++i)
    CHECK(bus.publish(event_on("fast")).is_ok());
  const Subscription late = subscribe(bus, "fast", [&] { ++heard; });
  is_free = true;
  publisher.join();
  CHECK(heard == 100);
}

TEST_CASE("bus: the depth of one thread is no concern of another") {
  Bus bus;
  std::atomic<int> arrived = 0;
  const Subscription all = subscribe(bus, "#", [&] {
    ++arrived;
    await([&] { return arrived == 20; });
  });
  std::atomic<int> refused = 0;
  std::vector<std::thread> publishers;
  for (int i = 0; i < 20; ++i) {
    publishers.emplace_back([&] {
      if (!bus.publish(event_on("a")).is_ok()) ++refused;
    });
  }
  for (std::thread& publisher : publishers)
    publisher.join();
  CHECK(refused == 0);
}

TEST_CASE("bus: publishers, subscribers and unsubscribers on many threads lose nothing") {
  constexpr int kEvents = 1'000;
  Bus bus;
  std::atomic<int> heard = 0;
  std::atomic<bool> broken = false;
  const Subscription all = subscribe(bus, "count", [&] { ++heard; });
  const Subscription nested = subscribe(bus, "a/#", [&] { (void)bus.publish(event_on("count")); });
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEvents; ++n)
        (void)bus.publish(event_on("a/b"));
    });
    threads.emplace_back([&] { churn(bus, broken); });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK_FALSE(broken);
  CHECK(heard == 2 * (kEvents + 100));
  CHECK(bus.status().subscriptions == 2);
  CHECK(bus.status().published == 4 * (kEvents + 100));
}
