#include <doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "edgepost/bus.hpp"

namespace {

std::atomic<std::size_t> allocations = 0;

}  // namespace

// Counts what all threads take.
void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*bytes*/) noexcept { std::free(memory); }

namespace edgepost {
namespace {

struct Mode {
  std::string name;
  SubscribeOptions how;
};

std::vector<Mode> modes() {
  using std::chrono::microseconds;
  return {
      {"inline", {}},
      {"gate", {.on_change = true, .every = 2}},
      {"interval", {.interval = microseconds(200)}},
      {"shared", {.run = Run::shared}},
      {"own", {.run = Run::own}},
      {"drop_newest", {.run = Run::own, .queue_capacity = 2, .overflow = Overflow::drop_newest}},
      {"drop_oldest", {.run = Run::own, .queue_capacity = 2}},
      {"block", {.run = Run::own, .queue_capacity = 2, .overflow = Overflow::block}},
      {"keep_latest", {.run = Run::own, .queue_capacity = 8, .overflow = Overflow::keep_latest}},
      {"measured", {.run = Run::own, .is_measured = true}},
  };
}

TEST_CASE("bus memory: whatever the mode, in steady state an event takes no memory") {
  for (const Mode& mode : modes()) {
    CAPTURE(mode.name);
    Bus bus;
    std::atomic<std::size_t> heard = 0;
    const auto hears = [&](const Event& event) {
      heard += event.data.size();
      return Status();
    };
    const Subscription subscription = bus.subscribe("oven/+", mode.how, hears).value();
    std::vector<Event> events(4);
    for (std::size_t i = 0; i < events.size(); ++i) {
      events[i].topic = "oven/temperature-of-zone-" + std::to_string(i);
      events[i].data = std::string(64, static_cast<char>('0' + i));
    }
    const auto publish = [&](int count) {
      for (int i = 0; i < count; ++i) {
        Event& event = events[static_cast<std::size_t>(i) % events.size()];
        event.data.back() = static_cast<char>('a' + i % 26);
        const Status status = bus.publish(event);
        if (!status.is_ok()) std::abort();
        if (i % 64 == 0) std::this_thread::yield();
      }
    };
    // Until every slot, and every topic of the gate, has had texts of this length; when that is
    // depends on the threads. What took memory for each event would do so in every round.
    std::size_t taken = 1;
    for (int round = 0; taken != 0 && round < 50; ++round) {
      const std::size_t before = allocations;
      publish(4'000);
      taken = allocations - before;
    }
    CHECK(taken == 0);
    CHECK(heard > 0);
  }
}

}  // namespace
}  // namespace edgepost
