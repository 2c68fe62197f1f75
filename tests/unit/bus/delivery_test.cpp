#include "bus/delivery.hpp"

#include <doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/bus.hpp"
#include "support/fake_clock.hpp"

namespace edgepost {
namespace {

using std::chrono::milliseconds;

struct Lines final : Logger {
  void write(LogLevel level, std::string_view module, std::string_view line) override {
    all.push_back(std::string(to_string(level)) + " " + std::string(module) + ": " +
                  std::string(line));
  }
  static std::string_view to_string(LogLevel level) {
    return level == LogLevel::warning ? "warning" : "other";
  }
  std::vector<std::string> all;
};

// A bus in virtual time without threads, whose handlers write down the data of events.
struct BusFixture {
  BusFixture() {
    options.platform.clock = &clock;
    options.platform.logger = &log;
    options.threads = false;
    bus = std::make_unique<Bus>(options);
  }

  Subscription listen(const SubscribeOptions& how, Handler handler = {}) {
    if (!handler) handler = writes();
    return bus->subscribe("#", how, std::move(handler)).value();
  }

  Handler writes() {
    return [this](const Event& event) {
      heard_ += event.data;
      return Status();
    };
  }

  // Each character is the data of an event.
  void publish(std::string_view events, const std::string& topic = "t") {
    for (const char data : events) {
      Event event;
      event.topic = topic;
      event.data = std::string(1, data);
      CHECK(bus->publish(event).is_ok());
    }
  }

  std::string heard() { return std::exchange(heard_, {}); }

  // What is heard until nothing is due.
  std::string step() {
    while (bus->step(clock.now()) <= clock.now()) {
    }
    return heard();
  }

  std::string step_after(Duration time) {
    clock.advance(time);
    return step();
  }

  SubscriptionStatus status() { return bus->status().named.at(0); }

  test::FakeClock clock;
  Lines log;
  BusOptions options;
  std::unique_ptr<Bus> bus;
  std::string heard_;
};

// Offered events have become one of these.
std::uint64_t balance(const SubscriptionStatus& status) {
  return status.delivered + status.filtered + status.dropped + status.spilled + status.queued;
}

TEST_CASE_FIXTURE(BusFixture, "delivery: wrong options, names and handlers are refused") {
  const Subscription first = listen({.name = "log"});
  const auto refusal = [&](std::string_view filter, const SubscribeOptions& how, Handler handler) {
    return bus->subscribe(filter, how, std::move(handler)).status();
  };
  CHECK(refusal("#", {.name = "log"}, writes()).code() == Code::already_exists);
  CHECK(refusal("#", {.name = "log", .run = Run::own}, writes()).message() ==
        "name: 'log' is that of another subscription");
  CHECK(refusal("#", {.every = 0}, writes()).code() == Code::invalid_argument);
  CHECK(refusal("a/#/b", {}, writes()).code() == Code::invalid_argument);
  CHECK(refusal("#", {}, {}).message() == "handler: empty, a function is wanted");
  CHECK(bus->status().subscriptions == 1);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a name is free again when its subscription has ended") {
  listen({.name = "log"});
  const Subscription second = listen({.name = "log"});
  CHECK(second.is_active());
}

TEST_CASE_FIXTURE(BusFixture, "delivery: higher priorities hear an event first") {
  const auto says = [&](const char* name) {
    return [this, name](const Event&) {
      heard_ += name;
      return Status();
    };
  };
  const Subscription low = listen({.priority = -1}, says("l"));
  const Subscription plain = bus->subscribe("#", says("p")).value();
  const Subscription high = listen({.priority = 100}, says("h"));
  const Subscription second = listen({.priority = 100}, says("s"));
  publish("x");
  CHECK(heard() == "hspl");
}

TEST_CASE_FIXTURE(BusFixture, "delivery: what the gate leaves out is counted, not delivered") {
  const Subscription odd =
      listen({.where = [](const Event& event) { return event.data != "b"; }, .every = 2});
  publish("abcd");
  CHECK(heard() == "ad");
  CHECK(status().filtered == 2);
  CHECK(bus->status().delivered == 2);
  CHECK(bus->status().published == 4);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a queued handler runs in step, not in publish") {
  for (const Run run : {Run::shared, Run::own}) {
    const Subscription queued = listen({.run = run});
    publish("abc");
    CHECK(heard().empty());
    CHECK(status().queued == 3);
    CHECK(step() == "abc");
    CHECK(status().queued == 0);
    CHECK(status().queued_max == 3);
    CHECK(status().delivered == 3);
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a full queue drops the oldest and counts it") {
  const Subscription queued = listen({.run = Run::shared, .queue_capacity = 4});
  publish("abcdef");
  CHECK(step() == "cdef");
  CHECK(status().dropped == 2);
  CHECK(bus->status().dropped == 2);
  CHECK(balance(status()) == 6);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: the capacity is rounded up to a power of two") {
  const Subscription queued = listen({.run = Run::shared, .queue_capacity = 3});
  publish("abcdef");
  CHECK(step() == "cdef");
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a queue of one event works") {
  const Subscription queued = listen({.run = Run::own, .queue_capacity = 1});
  publish("abc");
  CHECK(step() == "c");
  publish("d");
  CHECK(step() == "d");
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a full queue drops the newest and counts it") {
  const Subscription queued =
      listen({.run = Run::shared, .queue_capacity = 4, .overflow = Overflow::drop_newest});
  publish("abcdef");
  CHECK(step() == "abcd");
  CHECK(status().dropped == 2);
  CHECK(balance(status()) == 6);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: block drops the newest where no worker makes room") {
  const Subscription queued =
      listen({.run = Run::shared, .queue_capacity = 2, .overflow = Overflow::block});
  publish("abc");
  CHECK(step() == "ab");
  CHECK(status().blocked == 1);
  CHECK(status().dropped == 1);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: keep_latest keeps the newest event of each topic") {
  const Subscription queued =
      listen({.run = Run::shared, .queue_capacity = 2, .overflow = Overflow::keep_latest});
  publish("ab", "one");
  publish("x", "two");
  publish("c", "one");
  publish("!", "three");
  CHECK(step() == "cx");
  CHECK(status().filtered == 2);
  CHECK(status().dropped == 1);
  CHECK(balance(status()) == 5);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: what a queue has no room for is spilled") {
  std::string spilled;
  SubscribeOptions how{.run = Run::shared, .queue_capacity = 2, .overflow = Overflow::spill};
  how.spill = [&](const Event& event) {
    if (event.data == "!") return Status(Code::full, "full");
    spilled += event.data;
    return Status();
  };
  const Subscription queued = listen(how);
  publish("abc!d");
  CHECK(spilled == "cd");
  CHECK(step() == "ab");
  CHECK(status().spilled == 2);
  CHECK(status().dropped == 1);
  CHECK(balance(status()) == 5);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: an interval's latest event comes when it ends") {
  for (const Run run : {Run::inline_, Run::shared, Run::own}) {
    const Subscription paced = listen({.interval = milliseconds(100), .run = run});
    publish("abc");
    CHECK(step() == "a");
    CHECK(status().queued == 1);
    CHECK(bus->step(clock.now()) == clock.now() + milliseconds(100));
    CHECK(step_after(milliseconds(99)).empty());
    CHECK(step_after(milliseconds(1)) == "c");
    CHECK(balance(status()) == 3);
    CHECK(bus->step(clock.now()) == Instant::max());
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: once is once, and its name and filter are free then") {
  for (const Run run : {Run::inline_, Run::shared}) {
    const Subscription once = listen({.name = "first", .once = true, .run = run});
    publish("ab");
    CHECK(step() == "a");
    publish("c");
    CHECK(step().empty());
    CHECK(once.is_active());
    CHECK(bus->status().subscriptions == 0);
    CHECK(listen({.name = "first"}).is_active());
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: failures are counted, the last one is shown") {
  for (const Run run : {Run::inline_, Run::shared}) {
    const std::uint64_t failed_before = bus->status().failed;
    const Subscription queued = listen({.run = run}, [](const Event& event) {
      return event.data == "b" ? Status() : Status(Code::io_error, "cannot " + event.data);
    });
    publish("abc");
    step();
    CHECK(status().delivered == 3);
    CHECK(status().failed == 2);
    CHECK(status().last_error == "cannot c");
    CHECK(bus->status().failed == failed_before + 2);
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: calls are measured, slow ones counted and logged") {
  const Subscription slow =
      listen({.name = "disk", .slow_after = milliseconds(10), .is_measured = true},
             [&](const Event& event) {
               clock.advance(milliseconds(event.data == "s" ? 15 : 10));
               return Status();
             });
  publish("fs");
  CHECK(status().slow == 1);
  CHECK(status().longest == milliseconds(15));
  CHECK(status().busy == milliseconds(25));
  CHECK(status().times[12] == 1);
  CHECK(status().times[13] == 1);
  REQUIRE(log.all.size() == 1);
  CHECK(log.all[0] == "warning bus: disk: slow, took 15000 us on t, more than 10000 us");
}

TEST_CASE_FIXTURE(BusFixture, "delivery: one slow handler does not fill the log") {
  const Subscription slow = listen({.slow_after = milliseconds(1)}, [&](const Event&) {
    clock.advance(milliseconds(100));
    return Status();
  });
  publish("abcde");
  CHECK(log.all.size() == 1);
  clock.advance(std::chrono::seconds(10));
  publish("f");
  CHECK(log.all.size() == 2);
  CHECK(status().slow == 6);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: nothing is measured unless it was asked for") {
  const Subscription plain = listen({.name = "plain"}, [&](const Event&) {
    clock.advance(milliseconds(1));
    return Status();
  });
  publish("a");
  CHECK(status().times == CallTimes{});
  CHECK(status().longest == Duration());
}

TEST_CASE_FIXTURE(BusFixture,
                  "delivery: a subscription has its name and its filter in the status") {
  const Subscription named = bus->subscribe("a/+", {.name = "log"}, writes()).value();
  const Subscription unnamed = bus->subscribe("b/#", {.once = true}, writes()).value();
  const BusStatus all = bus->status();
  REQUIRE(all.named.size() == 2);
  CHECK(all.named[0].name == "log");
  CHECK(all.named[0].filter == "a/+");
  CHECK(all.named[1].name.empty());
  CHECK(all.named[1].filter == "b/#");
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a queue ends with its subscription") {
  for (const Run run : {Run::shared, Run::own}) {
    Subscription queued = listen({.run = run});
    publish("ab");
    CHECK(queued.unsubscribe());
    CHECK(step().empty());
    CHECK(bus->status().named.empty());
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a handler that ends itself hears no more of its queue") {
  for (const Run run : {Run::shared, Run::own}) {
    Subscription queued;
    auto held = std::make_shared<int>(0);
    queued = listen({.run = run}, [&, held](const Event& event) {
      heard_ += event.data;
      CHECK_FALSE(queued.unsubscribe());
      return Status();
    });
    publish("ab");
    CHECK(step() == "a");
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE_FIXTURE(BusFixture, "delivery: all that is the user's is gone when unsubscribe returns") {
  auto held = std::make_shared<int>(0);
  SubscribeOptions how{.run = Run::own, .overflow = Overflow::spill};
  how.where = [held](const Event&) { return true; };
  how.value = [held](const Event&) { return 1.0; };
  how.spill = [held](const Event&) { return Status(); };
  Subscription queued = listen(how, [held](const Event&) { return Status(); });
  how = {};
  publish("a");
  CHECK(queued.unsubscribe());
  CHECK(held.use_count() == 1);
}

TEST_CASE_FIXTURE(BusFixture, "delivery: a queued handler that publishes to itself is heard") {
  const Subscription queued = listen({.run = Run::shared}, [&](const Event& event) {
    heard_ += event.data;
    if (event.data == "a") publish("b");
    return Status();
  });
  publish("ac");
  CHECK(step() == "acb");
}

}  // namespace
}  // namespace edgepost
