#include <doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(GatewayFixture, "consumer: events come in the order they were stored [P-10]") {
  open();
  publish_many(1, 5);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 2) == Texts{"1", "2"});
  publish_many(6, 7);
  CHECK(fetch(cloud, 10) == Texts{"3", "4", "5", "6", "7"});
  CHECK(fetch(cloud, 10).empty());
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: an acknowledged event is never fetched again [P-05]") {
  open();
  publish_many(1, 4);
  Consumer cloud = consumer();
  fetch(cloud, 4);
  REQUIRE(cloud.acknowledge(1).is_ok());
  REQUIRE(cloud.acknowledge(3).is_ok());
  cloud.rewind();
  CHECK(fetch(cloud, 10) == Texts{"2", "4"});
  CHECK(cloud.status().floor == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: the floor is where the first gap is, and survives") {
  open();
  publish_many(1, 4);
  {
    Consumer cloud = consumer();
    fetch(cloud, 4);
    for (const std::uint64_t sequence : {2U, 1U, 4U})
      REQUIRE(cloud.acknowledge(sequence).is_ok());
    CHECK(cloud.status().floor == 2);
    CHECK(cloud.status().lag == 2);
  }
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 10) == Texts{"3"});
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "consumer: what comes again has the same id and sequence [P-12]") {
  open();
  publish_many(1, 3);
  Consumer cloud = consumer();
  const auto first = cloud.fetch({});
  cloud.rewind();
  const auto second = cloud.fetch({});
  REQUIRE(first.is_ok());
  REQUIRE(second.is_ok());
  CHECK(*first == *second);
  CHECK_FALSE(first->front().id.is_nil());
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: acknowledging what was not fetched is refused") {
  open();
  publish_many(1, 2);
  Consumer cloud = consumer();
  fetch(cloud, 1);
  CHECK(cloud.acknowledge(2).code() == Code::invalid_argument);
  CHECK(cloud.acknowledge(1).is_ok());
  CHECK(cloud.acknowledge(1).is_ok());
  CHECK(cloud.status().floor == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: a new one begins where it is told to") {
  open();
  publish_many(1, 5);
  auto late = gateway->consumer("outbox", {.name = "late", .from = {4}});
  REQUIRE(late.is_ok());
  CHECK(fetch(*late, 10) == Texts{"4", "5"});
  auto beyond = gateway->consumer("outbox", {.name = "beyond", .from = {99}});
  REQUIRE(beyond.is_ok());
  CHECK(fetch(*beyond, 10).empty());
  publish("6");
  CHECK(fetch(*beyond, 10) == Texts{"6"});
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: it cannot be opened twice, but again when let go") {
  open();
  {
    const Consumer first = consumer();
    CHECK(gateway->consumer("outbox", {.name = "cloud"}).status().code() == Code::busy);
  }
  const Consumer again = consumer();
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: unknown streams and bad names are refused") {
  open();
  CHECK(gateway->consumer("nowhere", {.name = "c"}).status().code() == Code::not_found);
  CHECK(gateway->consumer("outbox", {.name = "Not Good"}).status().code() ==
        Code::invalid_argument);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: after its gateway is closed it says so") {
  open();
  publish("1");
  std::optional<Consumer> cloud = consumer();
  fetch(*cloud, 1);
  close();
  CHECK(cloud->fetch({}).status().code() == Code::wrong_state);
  CHECK(cloud->acknowledge(1).code() == Code::wrong_state);
  cloud->rewind();
  CHECK(cloud->status().lag == 0);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: what is acknowledged above a gap survives [P-12]") {
  open();
  publish_many(1, 300);
  {
    Consumer cloud = consumer();
    fetch(cloud, 300);
    for (std::uint64_t sequence = 2; sequence <= 299; ++sequence) {
      if (sequence != 100) REQUIRE(cloud.acknowledge(sequence).is_ok());
    }
  }
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 300) == Texts{"1", "100", "300"});
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(cloud.status().floor == 99);
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: one that begins later settles nothing before [P-05]") {
  open();
  publish_many(1, 5);
  auto late = gateway->consumer("outbox", {.name = "late", .from = {6}});
  REQUIRE(late.is_ok());
  publish("6");
  REQUIRE(fetch(*late, 1) == Texts{"6"});
  REQUIRE(late->acknowledge(6).is_ok());
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.acknowledged == 0);
  CHECK(outbox().ledger.pending == 6);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 10) == Texts{"1", "2", "3", "4", "5", "6"});
  for (std::uint64_t sequence = 1; sequence <= 6; ++sequence) {
    REQUIRE(cloud.acknowledge(sequence).is_ok());
  }
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.acknowledged == 6);
  check_sound();
}

TEST_CASE_FIXTURE(GatewayFixture, "consumer: reading beyond every sequence finds nothing") {
  open();
  publish("1");
  for (const std::uint64_t far : {std::uint64_t{2}, ~std::uint64_t{0} / 2 + 1, ~std::uint64_t{0}}) {
    const auto events = gateway->read("outbox", Position{far});
    REQUIRE(events.is_ok());
    CHECK(events->empty());
  }
}

namespace {

using std::chrono::hours;
using std::chrono::seconds;

/// A consumer whose retries wait one second, and events with keys.
struct DeliverFixture : GatewayFixture {
  DeliverFixture() {
    how.name = "cloud";
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
  Texts fetch_all(Consumer& from) { return fetch(from, 1'000); }

  ConsumerOptions how;
};

TEST_CASE_FIXTURE(DeliverFixture,
                  "consumer: a refused event comes again, and its key waits [P-10]") {
  open();
  for (const char* data : {"a1", "a2", "b1"})
    publish_event({.data = data, .key = std::string(data, 1)});
  Consumer cloud = consumer();
  CHECK(fetch_all(cloud) == Texts{"a1", "b1"});
  REQUIRE(cloud.nack(1, "no", seconds(5)).is_ok());
  CHECK(fetch_all(cloud).empty());
  CHECK(cloud.next_due() == clock.now() + seconds(5));
  clock.advance(seconds(5));
  CHECK(fetch_all(cloud) == Texts{"a1"});
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(fetch_all(cloud) == Texts{"a2"});
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: without a delay the retry policy gives one") {
  open();
  publish("1");
  Consumer cloud = consumer();
  fetch_all(cloud);
  REQUIRE(cloud.nack(1, "no").is_ok());
  CHECK(cloud.next_due() <= clock.now() + seconds(1));
  clock.advance(seconds(1));
  CHECK(fetch_all(cloud) == Texts{"1"});
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: tries are remembered over a restart") {
  how.max_deliver = 3;
  open();
  publish("1");
  for (int life = 0; life < 2; ++life) {
    {
      Consumer cloud = consumer();
      CHECK(fetch_all(cloud) == Texts{"1"});
      REQUIRE(cloud.nack(1, "no", seconds(1)).is_ok());
      REQUIRE(gateway->flush().is_ok());
    }
    open();
  }
  Consumer cloud = consumer();
  CHECK(fetch_all(cloud) == Texts{"1"});
  REQUIRE(cloud.nack(1, "no", seconds(1)).is_ok());  // the third
  clock.advance(seconds(2));
  CHECK(fetch_all(cloud).empty());
  CHECK(cloud.acknowledge(1).is_ok());  // too late, but no mistake
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: what is released for a time comes after it, untried") {
  open();
  publish_many(1, 2);
  Consumer cloud = consumer();
  fetch_all(cloud);
  REQUIRE(cloud.release(1, seconds(5)).is_ok());
  REQUIRE(cloud.nack(2, "bad", seconds(9)).is_ok());
  CHECK(cloud.next_due() == clock.now() + seconds(5));
  clock.advance(seconds(5));
  CHECK(fetch_all(cloud) == Texts{"1"});
  CHECK(cloud.attempts(1) == 0);
  CHECK(cloud.attempts(2) == 1);
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: what is released comes again at once") {
  open();
  publish_many(1, 2);
  Consumer cloud = consumer();
  fetch_all(cloud);
  REQUIRE(cloud.release(1).is_ok());
  CHECK(fetch_all(cloud) == Texts{"1"});
  CHECK(cloud.release(3).code() == Code::invalid_argument);
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: only what is in flight can be refused") {
  open();
  publish("1");
  Consumer cloud = consumer();
  CHECK(cloud.nack(1, "no").code() == Code::invalid_argument);
  CHECK(cloud.reject(1, "refused", "no").code() == Code::invalid_argument);
  fetch_all(cloud);
  CHECK(cloud.reject(1, "", "no").code() == Code::invalid_argument);
  CHECK(cloud.reject(1, std::string(65, 'x'), "no").code() == Code::invalid_argument);
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(cloud.nack(1, "no").code() == Code::invalid_argument);
  close();
  CHECK(cloud.nack(1, "no").code() == Code::wrong_state);
  CHECK(cloud.reject(1, "refused", "no").code() == Code::wrong_state);
  CHECK(cloud.release(1).code() == Code::wrong_state);
  CHECK(cloud.next_due() <= clock.now());  // fetch() says what is wrong
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: topics it does not want are settled unseen") {
  how.filter = "alarm/#";
  open();
  for (const char* topic : {"sensor/1", "alarm/1", "sensor/2", "alarm/2", "sensor/3"})
    publish_event({.topic = topic, .data = topic});
  Consumer cloud = consumer();
  CHECK(fetch_all(cloud) == Texts{"alarm/1", "alarm/2"});
  CHECK(cloud.status().floor == 1);
  REQUIRE(cloud.acknowledge(2).is_ok());
  REQUIRE(cloud.acknowledge(4).is_ok());
  CHECK(cloud.status().floor == 5);
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: an expired event is settled and counted [P-04]") {
  open();
  clock.advance(seconds(1));
  publish_event({.data = "short", .expires_after = seconds(10)});
  publish_event({.data = "long", .expires_after = hours(1)});
  Consumer cloud = consumer();
  clock.advance(seconds(9));
  clock.set_wall(Timestamp(hours(24) * 365 * 90));
  CHECK(fetch_all(cloud) == Texts{"short", "long"});  // by the wall clock both are over
  cloud.rewind();
  clock.advance(seconds(1));
  CHECK(fetch_all(cloud) == Texts{"long"});
  REQUIRE(gateway->flush().is_ok());
  CHECK(outbox().ledger.expired == 1);
  CHECK(test::balances(outbox().ledger));
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: an event is not handed out before its time") {
  open();
  clock.advance(seconds(1));
  publish_event({.data = "later", .not_before = seconds(10)});
  publish_event({.data = "now"});
  std::optional<Consumer> cloud = consumer();
  CHECK(fetch_all(*cloud) == Texts{"now"});
  CHECK(cloud->next_due() == clock.now() + seconds(10));
  clock.advance(seconds(4));
  cloud.reset();
  open();  // the time goes on
  cloud = consumer();
  CHECK(fetch_all(*cloud) == Texts{"now"});
  clock.advance(seconds(6));
  CHECK(fetch_all(*cloud) == Texts{"later"});
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: one event that waits leaves row 0 readable [P-06]") {
  constexpr std::uint64_t kCount = 66'000;
  how.max_in_flight = 65'535;
  open();
  REQUIRE(gateway
              ->transact([](Transaction& transaction) {
                for (std::uint64_t i = 0; i < kCount; ++i) {
                  const auto receipt = transaction.publish({.topic = "t", .data = "x"});
                  if (!receipt) return receipt.status();
                }
                return Status();
              })
              .is_ok());
  {
    Consumer cloud = consumer();
    std::uint64_t newest = 0;
    for (auto events = cloud.fetch({.events = 10'000, .bytes = 1U << 30U}); !events->empty();
         events = cloud.fetch({.events = 10'000, .bytes = 1U << 30U})) {
      for (const Event& event : *events) {
        if (event.sequence > 1) REQUIRE(cloud.acknowledge(event.sequence).is_ok());
        newest = event.sequence;
      }
    }
    CHECK(newest == 65'536);  // behind the span it waits
  }
  open();
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 1) == Texts{"x"});
  REQUIRE(cloud.acknowledge(1).is_ok());
  CHECK(cloud.status().floor == 65'536);
  CHECK(fetch_all(cloud).size() == kCount - 65'536);
}

TEST_CASE_FIXTURE(DeliverFixture, "consumer: options that make no sense are refused") {
  open();
  const auto message = [this](auto change) {
    ConsumerOptions wrong = how;
    change(wrong);
    const Status status = gateway->consumer("outbox", wrong).status();
    CHECK(status.code() == Code::invalid_argument);
    return status.message();
  };
  const auto has = [](const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
  };
  CHECK(has(message([](auto& o) { o.filter = "a/#/b"; }), "filter"));
  CHECK(has(message([](auto& o) { o.max_in_flight = 0; }), "max_in_flight"));
  CHECK(has(message([](auto& o) { o.max_in_flight = 65'536; }), "max_in_flight"));
  CHECK(has(message([](auto& o) { o.max_in_flight_per_key = 0; }), "max_in_flight_per_key"));
  CHECK(has(message([](auto& o) { o.ack_wait = Duration(-1); }), "ack_wait"));
  CHECK(has(message([](auto& o) { o.retry.initial_delay = Duration(0); }), "retry.initial_delay"));
  CHECK(has(message([](auto& o) { o.retry.max_delay = Duration(1); }), "retry.max_delay"));
  CHECK(has(message([](auto& o) { o.retry.max_delay = hours(25); }), "retry.max_delay"));
  CHECK(has(message([](auto& o) { o.retry.multiplier = 0.5; }), "retry.multiplier"));
}

}  // namespace
