// A whole gateway, stepped or on threads of its own.
#include "subscriber/subscriber.hpp"

#include <doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using namespace std::chrono_literals;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

namespace {

constexpr auto kPatience = 20s;

struct SubscriberFixture : GatewayFixture {
  SubscriberFixture() {
    subscription.stream = "outbox";
    subscription.consumer = {.name = "worker", .max_deliver = 3};
    subscription.consumer.retry = {.initial_delay = 1s, .max_delay = 1s, .multiplier = 1.0};
    open();
  }

  void add(DurableHandler handler) {
    const Status status = gateway->add_subscriber(subscription, std::move(handler));
    INFO(status.message());
    REQUIRE(status.is_ok());
  }

  // A handler that notes what it gets and fails at the data that is in `poison`.
  DurableHandler noting() {
    return [this](const Event& event) -> Status {
      const std::lock_guard lock(mutex);
      handled.push_back(event.data);
      changed.notify_all();
      if (poison.count(event.data) == 0) return {};
      return {poison[event.data], "cannot handle " + event.data};
    };
  }

  // Everything that is due now.
  void step() {
    for (int i = 0; i < 100 && gateway->step(clock.now()) <= clock.now();)
      ++i;
  }

  // Waits until the handler has been called so many times.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kPatience, [&] { return handled.size() >= count; });
  }

  SubscriberStatus status() {
    const GatewayStatus all = gateway->status();
    REQUIRE(all.subscribers.size() == 1);
    return all.subscribers.front();
  }

  SubscriberOptions subscription;
  std::mutex mutex;
  std::condition_variable changed;
  Texts handled;
  std::map<std::string, Code> poison;
};

}  // namespace

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: it gets every event once, also older ones") {
  publish_many(1, 2);
  add(noting());
  step();
  publish("3");
  step();
  CHECK(handled == Texts{"1", "2", "3"});
  CHECK(status().handled == 3);
  CHECK(status().name == "worker");
  CHECK(status().stream == "outbox");
  CHECK(status().lag == 0);
  CHECK(outbox().ledger.acknowledged == 3);
}

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: what it did not handle waits for the next life") {
  add(noting());
  publish_many(1, 2);
  gateway->step(clock.now());
  CHECK(handled == Texts{"1"});
  open();
  add(noting());
  step();
  CHECK(handled == Texts{"1", "2"});
}

TEST_CASE_FIXTURE(
    SubscriberFixture,
    "subscriber: an event that fails comes again, then becomes a dead letter [P-11]") {
  poison["bad"] = Code::unavailable;
  add(noting());
  publish("bad");
  publish("good");
  for (int i = 0; i < 5; ++i) {
    step();
    clock.advance(2s);
  }
  CHECK(std::count(handled.begin(), handled.end(), "bad") == 3);
  CHECK(std::count(handled.begin(), handled.end(), "good") == 1);
  CHECK(status().failed == 3);
  CHECK(status().last_error == "sequence 1: cannot handle bad");
  CHECK(outbox().ledger.dead == 1);
}

TEST_CASE_FIXTURE(SubscriberFixture,
                  "subscriber: a refused event is a dead letter at once [P-11]") {
  poison["bad"] = Code::refused;
  subscription.breaker.trip_after = 1;
  add(noting());
  publish("bad");
  publish("good");
  step();
  CHECK(handled == Texts{"bad", "good"});
  CHECK(outbox().ledger.dead == 1);
  CHECK_FALSE(status().is_breaker_open);
}

TEST_CASE_FIXTURE(SubscriberFixture,
                  "subscriber: a handler that fails at everything gets a pause") {
  subscription.breaker = {.trip_after = 2, .open_for = 1min};
  subscription.consumer.max_deliver = 0;
  add(noting());
  publish_many(1, 5);
  for (int i = 1; i <= 5; ++i)
    poison[std::to_string(i)] = Code::unavailable;
  step();
  CHECK(handled == Texts{"1", "2"});
  CHECK(status().is_breaker_open);
  clock.advance(59s);
  step();
  CHECK(handled.size() == 2);
  clock.advance(1s);
  step();
  CHECK(handled.size() == 3);
  poison.clear();
  clock.advance(1min);
  step();
  clock.advance(2s);
  step();
  CHECK(status().handled == 5);
  CHECK_FALSE(status().is_breaker_open);
}

TEST_CASE_FIXTURE(SubscriberFixture,
                  "subscriber: a handler publishes, transacts and claims in its gateway [P-13]") {
  REQUIRE(gateway->create_stream({.name = "done"}).is_ok());
  int effects = 0;
  add([&](const Event& event) -> Status {
    const Status status = gateway->transact([&](Transaction& transaction) -> Status {
      const Result<bool> is_first = transaction.claim("worker", event.id.to_string());
      if (!is_first || !*is_first) return is_first.status();
      ++effects;
      return transaction.publish_to("done", {.topic = "done", .data = event.data}).status();
    });
    if (!status.is_ok()) return status;
    // Failing after the effect: only the claim keeps it from happening again.
    return effects == 1 && handled.empty() ? (handled.push_back("x"), Status(Code::busy, "again"))
                                           : Status();
  });
  publish_many(1, 2);
  step();
  clock.advance(2s);
  step();
  CHECK(effects == 2);
  CHECK(status().handled == 2);
  CHECK(status().failed == 1);
  CHECK(data_of(*gateway->read("done", Position::start())) == Texts{"1", "2"});
}

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: workers keep the order of each key [P-10]") {
  options.platform.clock = nullptr;  // this machine's own
  open();
  subscription.workers = 4;
  std::map<std::string, int> last;
  bool is_in_order = true;
  add([&](const Event& event) -> Status {
    const std::lock_guard lock(mutex);
    const int number = std::stoi(event.data);
    is_in_order = is_in_order && last[event.key] < number;
    last[event.key] = number;
    handled.push_back(event.data);
    changed.notify_all();
    return {};
  });
  REQUIRE(gateway->start().is_ok());
  for (int i = 1; i <= 200; ++i) {
    REQUIRE(gateway
                ->publish({.topic = "t", .data = std::to_string(i), .key = std::to_string(i % 7)},
                          i % 20 == 0 ? Durability::stored : Durability::buffered)
                .is_ok());
  }
  CHECK(wait_for(200));
  gateway->stop();
  CHECK(is_in_order);
  CHECK(handled.size() == 200);
  CHECK(status().lag == 0);
}

TEST_CASE_FIXTURE(SubscriberFixture,
                  "subscriber: a slow handler slows neither publishers nor others [P-25]") {
  options.platform.clock = nullptr;
  open();
  std::mutex gate;
  gate.lock();
  add([&](const Event&) -> Status {
    const std::lock_guard pass(gate);
    return {};
  });
  subscription.consumer.name = "other";
  add(noting());
  REQUIRE(gateway->start().is_ok());
  publish_many(1, 100);
  CHECK(wait_for(100));
  CHECK(gateway->status().subscribers[0].handled == 0);
  CHECK(gateway->status().subscribers[1].handled >= 99);
  gate.unlock();
  gateway->stop();
}

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: stop waits for the handler that runs") {
  options.platform.clock = nullptr;
  open();
  bool is_over = false;
  add([&](const Event& event) -> Status {
    {
      const std::lock_guard lock(mutex);
      handled.push_back(event.data);
      changed.notify_all();
    }
    const auto receipt = gateway->publish({.topic = "late", .data = "late"});
    is_over = receipt.is_ok();
    return {};
  });
  REQUIRE(gateway->start().is_ok());
  publish("1");
  CHECK(wait_for(1));
  gateway->stop();
  CHECK(is_over);
  CHECK(status().handled >= 1);
}

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: after a stop it goes on with the next start") {
  options.platform.clock = nullptr;
  open();
  add(noting());
  for (int round = 1; round <= 3; ++round) {
    REQUIRE(gateway->start().is_ok());
    publish(std::to_string(round));
    CHECK(wait_for(static_cast<std::size_t>(round)));
    gateway->stop();
  }
  CHECK(handled == Texts{"1", "2", "3"});
}

TEST_CASE_FIXTURE(SubscriberFixture,
                  "subscriber: more workers than it may have in flight just wait") {
  options.platform.clock = nullptr;
  open();
  subscription.workers = 4;
  subscription.consumer.max_in_flight = 1;
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  add([&](const Event& event) -> Status {
    most = std::max(most.load(), ++running);
    const std::lock_guard lock(mutex);
    handled.push_back(event.data);
    changed.notify_all();
    --running;
    return {};
  });
  REQUIRE(gateway->start().is_ok());
  publish_many(1, 50);
  CHECK(wait_for(50));
  gateway->stop();
  CHECK(most == 1);
  CHECK(handled.size() == 50);
}

TEST_CASE_FIXTURE(SubscriberFixture, "subscriber: what a dead letter held back comes by itself") {
  options.platform.clock = nullptr;
  open();
  poison["bad"] = Code::refused;
  subscription.workers = 2;
  add(noting());
  for (const char* data : {"bad", "good"})
    REQUIRE(gateway->publish({.topic = "t", .data = data, .key = "k"}).is_ok());
  REQUIRE(gateway->start().is_ok());
  CHECK(wait_for(2));
  CHECK(handled == Texts{"bad", "good"});
}
