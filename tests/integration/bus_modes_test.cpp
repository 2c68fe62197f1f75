#include <doctest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "edgepost/bus.hpp"

// Queued subscriptions with the threads and the clock of this machine.
namespace edgepost {
namespace {

using std::chrono::milliseconds;

Event make_event(const std::string& topic, int number) {
  Event event;
  event.topic = topic;
  event.data = std::to_string(number);
  return event;
}

std::uint64_t balance(const SubscriptionStatus& status) {
  return status.delivered + status.filtered + status.dropped + status.spilled + status.queued;
}

// A handler that stays inside its first call until it is let go, and writes down what it hears.
struct Gatekeeper {
  Handler handler() {
    return [this](const Event& event) {
      heard.push_back(event.data);
      if (heard.size() == 1) {
        entered.release();
        go.acquire();
      }
      if (heard.size() == wanted) all.release();
      return Status();
    };
  }

  std::vector<std::string> heard;
  std::size_t wanted = 0;
  std::binary_semaphore entered{0};
  std::binary_semaphore go{0};
  std::binary_semaphore all{0};
};

std::vector<std::string> numbers(int begin, int end) {
  std::vector<std::string> all;
  for (int number = begin; number < end; ++number)
    all.push_back(std::to_string(number));
  return all;
}

TEST_CASE("bus modes: a stuck handler blocks no publisher and no other worker [P-25]") {
  for (const Overflow overflow :
       {Overflow::drop_oldest, Overflow::drop_newest, Overflow::keep_latest, Overflow::spill}) {
    Bus bus;
    Gatekeeper stuck;
    SubscribeOptions how{.name = "stuck", .run = Run::own, .queue_capacity = 8};
    how.overflow = overflow;
    how.spill = [](const Event&) { return Status(); };
    const Subscription first = bus.subscribe("#", how, stuck.handler()).value();
    REQUIRE(bus.publish(make_event("t", 0)).is_ok());
    stuck.entered.acquire();

    Gatekeeper other;
    other.wanted = 100;
    other.go.release();
    const Subscription second = bus.subscribe("#", {.run = Run::shared}, other.handler()).value();
    for (int number = 1; number <= 100; ++number)
      REQUIRE(bus.publish(make_event("t", number)).is_ok());
    other.all.acquire();
    CHECK(other.heard == numbers(1, 101));

    const SubscriptionStatus status = bus.status().named.at(0);
    CHECK(status.delivered == 0);
    CHECK(balance(status) == 100);
    CHECK(status.queued == (overflow == Overflow::keep_latest ? 1 : 8));
    stuck.go.release();
  }
}

TEST_CASE("bus modes: failing handlers stop no queue and lose nothing behind them") {
  Bus bus;
  std::binary_semaphore done{0};
  std::vector<std::string> heard;
  const auto fails = [&](const Event& event) {
    heard.push_back(event.data);
    if (heard.size() == 200) done.release();
    return Status(Code::io_error, "no");
  };
  const Subscription failing = bus.subscribe("#", {.run = Run::own}, fails).value();
  for (int number = 0; number < 200; ++number)
    REQUIRE(bus.publish(make_event("t", number)).is_ok());
  done.acquire();
  CHECK(heard == numbers(0, 200));
}

TEST_CASE("bus modes: with block publishers wait, and every event is delivered in order") {
  Bus bus;
  constexpr int kEach = 2'000;
  std::array<int, 2> next{};
  bool is_ordered = true;
  std::binary_semaphore done{0};
  const SubscribeOptions how{.run = Run::own, .queue_capacity = 4, .overflow = Overflow::block};
  const auto hears = [&](const Event& event) {
    int& expected = next[event.topic == "a" ? 0 : 1];
    is_ordered = is_ordered && event.data == std::to_string(expected);
    ++expected;
    if (next[0] + next[1] == 2 * kEach) done.release();
    return Status();
  };
  const Subscription queued = bus.subscribe("#", how, hears).value();
  const auto publish = [&](const std::string& topic) {
    for (int number = 0; number < kEach; ++number)
      CHECK(bus.publish(make_event(topic, number)).is_ok());
  };
  std::thread other([&] { publish("b"); });
  publish("a");
  other.join();
  done.acquire();
  CHECK(is_ordered);
  CHECK(bus.status().dropped == 0);
  CHECK(bus.status().named.at(0).blocked > 0);
}

// A publisher that waits for room in the queue of a stuck handler.
struct BlockedPublisher {
  BlockedPublisher() {
    const SubscribeOptions how{.run = Run::own, .queue_capacity = 1, .overflow = Overflow::block};
    subscription = bus.subscribe("#", how, stuck.handler()).value();
    REQUIRE(bus.publish(make_event("t", 0)).is_ok());
    stuck.entered.acquire();
    REQUIRE(bus.publish(make_event("t", 1)).is_ok());
    publisher = std::thread([this] { CHECK(bus.publish(make_event("t", 2)).is_ok()); });
    while (bus.status().named.at(0).blocked == 0)
      std::this_thread::yield();
    // It looks again and again for a while before it sleeps; whoever is slower than that only finds
    // it awake.
    std::this_thread::sleep_for(milliseconds(20));
  }

  Gatekeeper stuck;
  Bus bus;
  Subscription subscription;
  std::thread publisher;
};

TEST_CASE("bus modes: room wakes a publisher that waits for it") {
  BlockedPublisher blocked;
  blocked.stuck.wanted = 3;
  blocked.stuck.go.release();
  blocked.publisher.join();
  blocked.stuck.all.acquire();
  CHECK(blocked.stuck.heard == numbers(0, 3));
}

TEST_CASE("bus modes: unsubscribe releases publishers that wait for room") {
  BlockedPublisher blocked;
  std::thread ender([&] { CHECK(blocked.subscription.unsubscribe()); });
  blocked.publisher.join();
  blocked.stuck.go.release();
  ender.join();
  CHECK(blocked.stuck.heard == numbers(0, 1));
}

TEST_CASE("bus modes: stop releases publishers that wait for room, and counts what is dropped") {
  BlockedPublisher blocked;
  std::thread stopper([&] { blocked.bus.stop(); });
  blocked.publisher.join();
  CHECK(blocked.bus.status().dropped == 1);
  blocked.stuck.go.release();
  stopper.join();
}

TEST_CASE("bus modes: a handler that publishes into its own full queue does not wait") {
  Bus bus;
  std::binary_semaphore done{0};
  const SubscribeOptions how{.run = Run::own, .queue_capacity = 2, .overflow = Overflow::block};
  const auto floods = [&](const Event& event) {
    if (event.data != "0") return Status();
    for (int number = 1; number < 10; ++number)
      CHECK(bus.publish(make_event("t", number)).is_ok());
    done.release();
    return Status();
  };
  const Subscription queued = bus.subscribe("#", how, floods).value();
  REQUIRE(bus.publish(make_event("t", 0)).is_ok());
  done.acquire();
  CHECK(bus.status().dropped == 7);
}

TEST_CASE("bus modes: a queued handler may end itself, and its worker ends as well") {
  for (const Run run : {Run::shared, Run::own}) {
    Bus bus;
    for (int round = 0; round < 20; ++round) {
      auto held = std::make_shared<std::binary_semaphore>(0);
      std::optional<Subscription> queued;
      std::binary_semaphore is_made{0};
      const auto ends = [&is_made, &queued, held](const Event&) {
        is_made.acquire();
        CHECK_FALSE(queued->unsubscribe());
        held->release();
        return Status();
      };
      queued = bus.subscribe("#", {.run = run}, ends).value();
      is_made.release();
      REQUIRE(bus.publish(make_event("t", 0)).is_ok());
      REQUIRE(bus.publish(make_event("t", 1)).is_ok());
      held->acquire();
      CHECK(bus.status().subscriptions == 0);
    }
  }
}

TEST_CASE("bus modes: a bus whose queues are full and whose handlers run is destroyed") {
  Gatekeeper stuck;
  std::vector<Subscription> all;
  {
    Bus bus;
    for (const Run run : {Run::own, Run::own, Run::shared, Run::shared}) {
      const auto sleepy = [&](const Event&) {
        std::this_thread::yield();
        return Status();
      };
      all.push_back(bus.subscribe("#", {.run = run, .queue_capacity = 16}, sleepy).value());
    }
    all.push_back(bus.subscribe("#", {.run = Run::own}, stuck.handler()).value());
    for (int number = 0; number < 500; ++number)
      REQUIRE(bus.publish(make_event("t", number)).is_ok());
    stuck.entered.acquire();
    stuck.go.release();
  }
  for (Subscription& subscription : all)
    CHECK(subscription.unsubscribe());
}

TEST_CASE("bus modes: stop keeps what queues hold, and start goes on with it") {
  Bus bus;
  Gatekeeper first;
  Gatekeeper second;
  const auto listen = [&](Run run, Gatekeeper& who) {
    who.wanted = 300;
    who.go.release();
    return bus.subscribe("#", {.run = run, .queue_capacity = 512}, who.handler()).value();
  };
  const Subscription own = listen(Run::own, first);
  const Subscription shared = listen(Run::shared, second);
  CHECK(bus.start().code() == Code::wrong_state);
  for (int round = 0; round < 3; ++round) {
    for (int number = 0; number < 100; ++number) {
      REQUIRE(bus.publish(make_event("t", 100 * round + number)).is_ok());
      if (number == 50) bus.stop();
    }
    CHECK(bus.start().is_ok());
  }
  first.all.acquire();
  second.all.acquire();
  CHECK(first.heard == numbers(0, 300));
  CHECK(second.heard == numbers(0, 300));
}

TEST_CASE("bus modes: held back events come when their interval ends, without another publish") {
  for (const Run run : {Run::inline_, Run::shared, Run::own}) {
    Bus bus;
    std::binary_semaphore done{0};
    const auto hears = [&](const Event& event) {
      if (event.data == "2") done.release();
      return Status();
    };
    const Subscription paced =
        bus.subscribe("#", {.interval = milliseconds(5), .run = run}, hears).value();
    for (int number = 0; number < 3; ++number)
      REQUIRE(bus.publish(make_event("t", number)).is_ok());
    done.acquire();
  }
}

TEST_CASE("bus modes: whatever threads do to a subscription, its books balance") {
  for (const Overflow overflow :
       {Overflow::drop_oldest, Overflow::drop_newest, Overflow::block, Overflow::keep_latest}) {
    Bus bus;
    SubscribeOptions how{.every = 2, .run = Run::shared, .queue_capacity = 8};
    how.overflow = overflow;
    const auto fails_at_times = [](const Event& event) {
      return event.data.back() == '7' ? Status(Code::io_error, "7") : Status();
    };
    const Subscription steady = bus.subscribe("#", how, fails_at_times).value();
    constexpr int kEach = 1'000;
    std::atomic<int> publishing = 2;
    std::vector<std::thread> threads;
    for (const char* topic : {"a", "b"}) {
      threads.emplace_back([&, topic] {
        for (int number = 0; number < kEach; ++number)
          CHECK(bus.publish(make_event(topic, number)).is_ok());
        --publishing;
      });
    }
    threads.emplace_back([&] {
      for (int round = 0; publishing > 0; ++round) {
        SubscribeOptions brief = how;
        brief.run = round % 2 == 0 ? Run::own : Run::shared;
        const auto subscription = bus.subscribe("+", brief, fails_at_times);
        CHECK(subscription.is_ok());
        if (round % 8 == 0) bus.stop();
        if (round % 8 == 0) CHECK(bus.start().is_ok());
      }
    });
    for (std::thread& thread : threads)
      thread.join();
    bus.stop();  // an event that a handler has just now is counted nowhere yet
    CHECK(balance(bus.status().named.at(0)) == 2 * kEach);
  }
}

}  // namespace
}  // namespace edgepost
