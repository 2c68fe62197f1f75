// Fresh events pass a backlog.
#include <doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sim/draw.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

namespace {

using std::chrono::seconds;

/// A consumer with a window of four, of which fresh events get the half.
struct FreshFixture : GatewayFixture {
  FreshFixture() {
    how.name = "cloud";
    how.max_in_flight = 4;
    how.live_percent = 50;
    how.retry.initial_delay = seconds(1);
  }
  Consumer consumer() {
    auto opened = gateway->consumer("outbox", how);
    INFO(opened.status().message());
    REQUIRE(opened.is_ok());
    return std::move(*opened);
  }
  void publish_event(Event event) {
    event.topic = event.topic.empty() ? "sensor/1" : event.topic;
    REQUIRE(gateway->publish(std::move(event)).is_ok());
  }
  // In one commit.
  void publish_backlog(int count, const std::string& key = "") {
    REQUIRE(gateway
                ->transact([&](Transaction& transaction) {
                  for (int i = 0; i < count; ++i) {
                    const auto receipt =
                        transaction.publish({.topic = "sensor/1", .data = "old", .key = key});
                    if (!receipt) return receipt.status();
                  }
                  return Status();
                })
                .is_ok());
  }
  // Fetches up to `count` and acknowledges them.
  Texts deliver(Consumer& from, std::size_t count) {
    auto events = from.fetch({.events = count, .bytes = 1U << 20U});
    INFO(events.status().message());
    REQUIRE(events.is_ok());
    for (const Event& event : *events)
      CHECK(from.acknowledge(event.sequence).is_ok());
    return data_of(*events);
  }
  // The same until nothing comes.
  Texts drain(Consumer& from) {
    Texts all;
    for (Texts more = deliver(from, 100); !more.empty(); more = deliver(from, 100))
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }

  ConsumerOptions how;
};

TEST_CASE_FIXTURE(FreshFixture, "consumer: a fresh event passes the backlog [P-30]") {
  open();
  publish_backlog(1'000);
  Consumer cloud = consumer();
  CHECK(deliver(cloud, 4) == Texts{"old", "old", "old", "old"});
  publish("new");
  CHECK(deliver(cloud, 2) == Texts{"new", "old"});
  CHECK(cloud.status().floor == 5);
  CHECK(drain(cloud).size() == 1'000 - 5);
  CHECK(cloud.status().lag == 0);
  CHECK(outbox().ledger == Ledger{.published = 1'001, .acknowledged = 1'001});
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: fresh events get their share, the backlog the rest") {
  how.live_percent = 25;
  open();
  publish_backlog(100);
  Consumer cloud = consumer();
  deliver(cloud, 1);
  publish_many(1, 10);
  Texts got;
  for (int i = 0; i < 8; ++i) {  // whatever the size of a fetch
    for (const std::string& data : deliver(cloud, 1 + static_cast<std::size_t>(i) % 3))
      got.push_back(data);
  }
  CHECK(got == Texts{"1", "old", "old", "old", "2", "old", "old", "old", "3", "old", "old", "old",
                     "4", "old", "old"});
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: who is not behind gets all in order [P-10]") {
  open();
  Consumer cloud = consumer();
  publish_many(1, 4);
  CHECK(deliver(cloud, 2) == Texts{"1", "2"});
  publish_many(5, 6);
  CHECK(drain(cloud) == Texts{"3", "4", "5", "6"});
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: an event with a key passes nothing [P-10]") {
  open();
  publish_backlog(20, "a");
  Consumer cloud = consumer();
  deliver(cloud, 1);
  publish_event({.data = "keyed", .key = "a"});
  publish("free");
  CHECK(deliver(cloud, 4).front() == "free");
  const Texts rest = drain(cloud);
  CHECK(rest.back() == "keyed");
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: with order none a key hinders nobody, with stream all") {
  open();
  publish_backlog(20, "a");
  for (const auto& [order, first] : {std::pair{Order::none, "new"}, {Order::stream, "old"}}) {
    how.name = first;
    how.order = order;
    Consumer some = consumer();
    deliver(some, 1);
    publish_event({.data = "new", .key = "a"});
    CHECK(deliver(some, 1) == Texts{first});
  }
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: without a share all is in order [P-10]") {
  how.live_percent = 0;
  open();
  publish_backlog(20);
  Consumer cloud = consumer();
  deliver(cloud, 4);
  publish("new");
  CHECK(drain(cloud).back() == "new");
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: fresh events go on where the backlog cannot") {
  open();
  publish_backlog(2'000, "stuck");
  Consumer cloud = consumer();
  auto held = cloud.fetch({.events = 1});
  REQUIRE(held.is_ok());
  CHECK(fetch(cloud, 10).empty());
  CHECK(cloud.next_due() == Instant::max());
  for (const char* data : {"1", "2", "3", "4", "5"}) {
    publish(data);
    CHECK(cloud.next_due() <= clock.now());
    CHECK(deliver(cloud, 10) == Texts{data});
  }
  CHECK(cloud.next_due() == Instant::max());
  publish_event({.data = "keyed", .key = "stuck"});
  CHECK(deliver(cloud, 10).empty());
  CHECK(cloud.next_due() == Instant::max());
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: too many fresh events join the backlog [P-20]") {
  open();
  publish_backlog(20);
  Consumer cloud = consumer();
  deliver(cloud, 4);
  publish_backlog(1'025);
  CHECK(deliver(cloud, 4) == Texts{"old", "old", "old", "old"});
  publish("new");
  CHECK(deliver(cloud, 1) == Texts{"new"});
  CHECK(drain(cloud).size() == 20 + 1'025 - 8);
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: what passed stays settled, far above the floor [P-12]") {
  open();
  publish_backlog(70'000);
  {
    Consumer cloud = consumer();
    deliver(cloud, 4);
    publish("new");
    CHECK(deliver(cloud, 1) == Texts{"new"});
  }
  open();
  publish("newer");
  Consumer cloud = consumer();
  CHECK(deliver(cloud, 1) == Texts{"old"});  // what is there when it begins is the backlog
  CHECK(drain(cloud).back() == "newer");
  CHECK(outbox().ledger == Ledger{.published = 70'002, .acknowledged = 70'002});
  check_sound();
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: a kill repeats nothing that passed [P-12]") {
  const pid_t child = ::fork();
  if (child == 0) {
    open();
    publish_backlog(1'000);
    Consumer cloud = consumer();
    deliver(cloud, 4);
    publish_many(1, 40);
    for (int i = 0; i < 60; ++i)
      deliver(cloud, 1);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  open();
  Consumer cloud = consumer();
  const Texts left = drain(cloud);
  CHECK(left.size() == 1'000 + 40 - 64);
  CHECK(std::count(left.begin(), left.end(), "30") == 0);
  CHECK(std::count(left.begin(), left.end(), "31") == 1);
  CHECK(outbox().ledger == Ledger{.published = 1'040, .acknowledged = 1'040});
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: nor where keys stand between those that passed [P-12]") {
  const pid_t child = ::fork();
  if (child == 0) {
    how.live_percent = 100;
    open();
    publish_backlog(1'000, "a");
    Consumer cloud = consumer();
    deliver(cloud, 1);
    (void)gateway->transact([](Transaction& transaction) {
      for (int i = 0; i < 800; ++i)
        (void)transaction.publish({.topic = "t", .data = "x", .key = i % 2 == 0 ? "a" : ""});
      return Status();
    });
    for (int i = 0; i < 300; ++i) {
      deliver(cloud, 1);
      gateway->step(clock.now());
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  open();
  Consumer cloud = consumer();
  CHECK(drain(cloud).size() == 1'800 - 301);
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: a fresh event is refused, expires and dies as others") {
  how.max_deliver = 2;
  open();
  publish_backlog(20);
  Consumer cloud = consumer();
  deliver(cloud, 1);
  publish("poison");
  for (int tries = 0; tries < 2; ++tries) {
    const auto events = cloud.fetch({.events = 20});
    REQUIRE(events.is_ok());
    const auto poison = std::find_if(events->begin(), events->end(),
                                     [](const Event& event) { return event.data == "poison"; });
    REQUIRE(poison != events->end());
    CHECK(cloud.nack(poison->sequence, "no").is_ok());
    for (const Event& event : *events)
      if (event.data == "old") CHECK(cloud.acknowledge(event.sequence).is_ok());
    clock.advance(seconds(2));
  }
  publish_event({.topic = "other", .data = "short", .expires_after = seconds(1)});
  clock.advance(seconds(2));
  REQUIRE(gateway->flush().is_ok());
  const Texts rest = drain(cloud);
  CHECK(rest == Texts(20 - 7, "old"));
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger ==
        Ledger{.published = 22, .acknowledged = 20, .expired = 1, .dropped = {}, .dead = 1});
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: fresh events it does not want are settled unseen") {
  how.filter = "sensor/#";
  open();
  publish_backlog(20);
  Consumer cloud = consumer();
  deliver(cloud, 4);
  publish_event({.topic = "other", .data = "unwanted", .key = "k"});
  publish("new");
  CHECK(deliver(cloud, 1) == Texts{"new"});
  CHECK(drain(cloud).size() == 16);
  CHECK(cloud.status().lag == 0);
}

TEST_CASE_FIXTURE(FreshFixture, "consumer: a share of more than all is refused") {
  open();
  how.live_percent = 101;
  const Status status = gateway->consumer("outbox", how).status();
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message().find("live_percent") != std::string::npos);
}

// What was settled, and in which order the events of each key took effect.
struct Effects {
  std::set<std::uint64_t> done;
  std::map<std::string, std::uint64_t> newest;

  void take(const Event& event) {
    CHECK(done.insert(event.sequence).second);  // nothing twice
    if (event.key.empty()) return;
    CHECK(event.sequence > newest[event.key]);
    newest[event.key] = event.sequence;
  }
};

TEST_CASE_FIXTURE(FreshFixture,
                  "consumer: nothing is lost, twice or out of its key's order [P-10][P-12]") {
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    sim::Draw draw(seed);
    options.database = dir.file("g" + std::to_string(seed) + ".db");
    how.live_percent = static_cast<unsigned>(1 + draw.below(100));
    how.max_in_flight = 1 + draw.below(6);
    open();
    std::optional<Consumer> cloud = consumer();
    Effects effects;
    std::vector<Event> flying;
    std::uint64_t published = 0;
    for (int step = 0; step < 150; ++step) {
      const std::uint64_t deed = draw.below(20);
      if (deed < 5) {
        for (std::uint64_t more = 1 + draw.below(deed == 0 ? 30 : 2); more > 0; --more, ++published)
          publish_event({.data = "x", .key = draw.below(2) == 0 ? "" : draw.below(2) ? "a" : "b"});
      } else if (deed < 13) {
        auto events = cloud->fetch({.events = 1 + draw.below(4)});
        REQUIRE(events.is_ok());
        flying.insert(flying.end(), events->begin(), events->end());
      } else if (deed < 18 && !flying.empty()) {
        const auto answered =
            flying.begin() + static_cast<std::ptrdiff_t>(draw.below(flying.size()));
        if (draw.below(4) == 0) {
          REQUIRE(cloud->nack(answered->sequence, "no").is_ok());
        } else {
          REQUIRE(cloud->acknowledge(answered->sequence).is_ok());
          effects.take(*answered);
        }
        flying.erase(answered);
      } else if (deed == 18) {
        clock.advance(seconds(2));
      } else if (draw.below(4) == 0) {
        flying.clear();
        cloud.reset();
        open();
        cloud = consumer();
      }
    }
    cloud->rewind();
    clock.advance(std::chrono::hours(1));
    for (auto events = cloud->fetch({}); !events->empty(); events = cloud->fetch({})) {
      for (const Event& event : *events) {
        CHECK(cloud->acknowledge(event.sequence).is_ok());
        effects.take(event);
      }
    }
    CHECK(effects.done.size() == published);
    CHECK(cloud->status().lag == 0);
  }
}

}  // namespace
