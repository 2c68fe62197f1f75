// A whole bus under many threads: every delivery mode at once, with handlers that are slow, stuck
// and failing, while others come and go. Nothing may be lost that is not counted.
#include <doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgepost/bus.hpp"
#include "edgepost/window.hpp"

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

constexpr int kPublishers = 3;
constexpr int kEvents = 600;  // of each publisher, to each of two topics
constexpr std::uint64_t kAll = 2 * kPublishers * kEvents;

// Waits, a minute at most, until another thread has made `condition` true.
template <typename Condition>
bool await(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Plant {
  Plant() {
    listen({.name = "inline"}, [](const Event&) { return Status(); });
    listen({.name = "failing", .run = Run::own, .queue_capacity = 8},
           [](const Event&) { return Status(Code::unavailable, "no"); });
    listen({.name = "slow", .run = Run::own, .queue_capacity = 4, .overflow = Overflow::block},
           [](const Event&) {
             std::this_thread::yield();
             return Status();
           });
    listen({.name = "stuck", .run = Run::own, .queue_capacity = 4}, [this](const Event&) {
      is_stuck = true;
      (void)await([this] { return is_released.load(); });
      return Status();
    });
    listen({.name = "newest",
            .run = Run::shared,
            .queue_capacity = 4,
            .overflow = Overflow::drop_newest,
            .slow_after = 1us,
            .is_measured = true},
           [](const Event&) { return Status(); });
    listen({.name = "latest", .run = Run::shared, .overflow = Overflow::keep_latest},
           [](const Event&) { return Status(); });
    listen({.name = "spilling",
            .run = Run::shared,
            .queue_capacity = 2,
            .overflow = Overflow::spill,
            .spill =
                [this](const Event&) {
                  ++spilled;
                  return Status();
                }},
           [](const Event&) { return Status(); });
    listen({.name = "sampled", .every = 10, .run = Run::shared},
           [](const Event&) { return Status(); });
    listen({.name = "paced", .interval = 1ms, .run = Run::own},
           [](const Event&) { return Status(); });
  }

  void listen(const SubscribeOptions& options, Handler handler) {
    subscriptions.push_back(*bus.subscribe("line/#", options, std::move(handler)));
  }

  SubscriptionStatus status(const std::string& name) {
    for (SubscriptionStatus& one : bus.status().named) {
      if (one.name == name) return std::move(one);
    }
    return {};
  }

  // Some topics prepared, some not.
  void publish_all(int number) {
    const Topic prepared = *bus.topic("line/" + std::to_string(number));
    Event first{.topic = prepared.name(), .data = "1"};
    Event second{.topic = "line/all", .data = "2"};
    for (int i = 0; i < kEvents; ++i) {
      CHECK(bus.publish(prepared, first).is_ok());
      CHECK(bus.publish(second).is_ok());
    }
  }

  // Subscribes, hears and ends in every mode, over and over.
  void churn(unsigned round) {
    for (; !is_done; ++round) {
      auto is_over = std::make_shared<std::atomic<bool>>(false);
      SubscribeOptions options;
      options.run = static_cast<Run>(round % 3);
      options.once = round % 5 == 0;
      options.retained = round % 2 == 0;
      options.queue_capacity = 2;
      if (round % 7 == 0) options.overflow = Overflow::keep_latest;
      if (round % 11 == 0) options.interval = 1ms;
      auto subscription = bus.subscribe(round % 2 == 0 ? "line/+" : "#", options,
                                        [this, is_over](const Event& event) {
                                          if (*is_over) is_broken = true;
                                          if (event.topic != "line/all") return Status();
                                          return bus.publish({.topic = "echo", .data = "3"});
                                        });
      for (int i = 0; i < 20; ++i)
        std::this_thread::yield();
      if (!subscription->unsubscribe()) is_broken = true;
      *is_over = true;
      if (is_over.use_count() != 1) is_broken = true;
    }
  }

  void ask() {
    while (!is_done) {
      const Result<Event> reply = bus.request({.topic = "add", .data = "7"}, 60s);
      if (!reply || reply->data != "7!") is_broken = true;
      ++answers;
    }
  }

  std::atomic<bool> is_done = false;
  std::atomic<bool> is_broken = false;
  std::atomic<bool> is_stuck = false;
  std::atomic<bool> is_released = false;
  std::atomic<std::uint64_t> spilled = 0;
  std::atomic<std::uint64_t> answers = 0;
  Bus bus;
  std::vector<Subscription> subscriptions;
};

}  // namespace

TEST_CASE(
    "bus: slow, stuck and failing handlers in every mode hold up nobody, and all is counted") {
  Plant plant;
  CHECK(plant.bus.retain("line/#").is_ok());
  const auto server = plant.bus.serve("add", {.run = Run::own}, [](const Event& request) {
    return Result<Event>(Event{.data = request.data + "!"});
  });
  const auto window = Window::open(plant.bus, {.filter = "line/+", .length = 2ms});
  REQUIRE(window.is_ok());
  std::vector<std::thread> others;
  for (unsigned i = 0; i < 2; ++i)
    others.emplace_back([&plant, i] { plant.churn(i * 1'000); });
  others.emplace_back([&plant] { plant.ask(); });
  std::vector<std::thread> publishers;
  for (int i = 0; i < kPublishers; ++i)
    publishers.emplace_back([&plant, i] { plant.publish_all(i); });
  for (std::thread& publisher : publishers)
    publisher.join();  // while one handler is stuck
  CHECK(await([&] { return plant.is_stuck.load() && plant.answers > 0; }));
  plant.is_done = true;
  for (std::thread& other : others)
    other.join();
  CHECK_FALSE(plant.is_broken);
  plant.is_released = true;
  CHECK(await([&] {
    for (const SubscriptionStatus& one : plant.bus.status().named) {
      if (one.queued > 0) return false;
    }
    return plant.status("slow").delivered == kAll;
  }));
  for (const char* name :
       {"inline", "failing", "slow", "stuck", "newest", "latest", "spilling", "sampled", "paced"}) {
    INFO(name);
    const SubscriptionStatus one = plant.status(name);
    CHECK(await([&] {
      const SubscriptionStatus now = plant.status(name);
      return now.delivered + now.filtered + now.dropped + now.spilled == kAll;
    }));
    CHECK(one.queued_max <= 256);
  }
  CHECK(plant.status("inline").delivered == kAll);
  CHECK(plant.status("failing").failed == plant.status("failing").delivered);
  CHECK(plant.status("stuck").dropped > 0);
  CHECK(plant.status("spilling").spilled == plant.spilled);
  CHECK(plant.status("slow").dropped == 0);
}
