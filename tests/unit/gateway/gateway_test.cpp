#include "edgepost/gateway.hpp"

#include <doctest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"

using namespace edgepost;
using test::GatewayFixture;
using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(GatewayFixture, "gateway: publishing completes the event") {
  open();
  const Receipt receipt = publish("21.5");
  const auto events = gateway->read("outbox", Position::start());
  REQUIRE(events.is_ok());
  REQUIRE(events->size() == 1);
  const Event& event = events->front();
  CHECK(event.id == receipt.id);
  CHECK(event.sequence == 1);
  CHECK(event.source == "/gw-1");
  CHECK(event.type == "edgepost.event");
  CHECK(event.time == clock.wall());
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: what the publisher gave is kept") {
  options.source = "urn:plant:4";
  open();
  Event event{.topic = "a/b", .data = "x", .key = "k", .type = "reading"};
  event.id = *EventId::parse("0190163d-8694-739b-aea5-966c26f8ad90");
  event.time = Timestamp(std::chrono::seconds(5));
  REQUIRE(gateway->publish(event).is_ok());
  event.source = "urn:plant:4";
  event.sequence = 1;
  CHECK(gateway->read("outbox", Position::start())->front() == event);
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "gateway: an invalid event is stored nowhere and heard by nobody") {
  open();
  int heard = 0;
  const auto subscription = gateway->subscribe("sensor/#", [&heard](const Event&) {
    ++heard;
    return Status();
  });
  const auto refused = gateway->publish({.topic = "a/+/b", .data = "x"});
  CHECK(refused.status().code() == Code::invalid_argument);
  CHECK(refused.status().message().find("topic") != std::string::npos);
  const auto too_large = gateway->publish({.topic = "a", .data = std::string(256 * 1024 + 1, 'x')});
  CHECK(too_large.status().code() == Code::invalid_argument);
  CHECK(heard == 0);
  CHECK(stored().empty());
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: an event that no route takes is refused") {
  open();
  REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  open();
  close();
  gateway = *Gateway::open(options);
  REQUIRE(gateway->route("alarm/#", "alarms").is_ok());
  CHECK(gateway->publish({.topic = "sensor/1"}).status().code() == Code::not_found);
  CHECK(gateway->publish({.topic = "alarm/1"}).is_ok());
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: an event goes into each matching stream once [P-01]") {
  open();
  REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  REQUIRE(gateway->route("alarm/#", "alarms").is_ok());
  REQUIRE(gateway->route("alarm/+", "alarms").is_ok());
  REQUIRE(gateway->publish({.topic = "alarm/fire", .data = "!"}).is_ok());
  CHECK(stored() == Texts{"!"});
  CHECK(gateway->read("alarms", Position::start())->size() == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: subscribers hear an event after it is stored [P-02]") {
  open();
  std::size_t there = 0;
  const auto subscription = gateway->subscribe("sensor/#", [&](const Event& event) {
    there = stored().size();
    CHECK(event.sequence == 1);
    return Status();
  });
  publish("1");
  CHECK(there == 1);
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: a handler may publish what an event caused") {
  open();
  const auto subscription = gateway->subscribe("sensor/1", [this](const Event& event) {
    Event alarm{.topic = "alarm", .data = "too hot"};
    return gateway->publish(std::move(alarm).caused_by(event)).status();
  });
  const Receipt receipt = publish("99");
  const auto events = gateway->read("outbox", Position::start());
  REQUIRE(events->size() == 2);
  CHECK(events->back().causation_id == receipt.id.to_string());
  CHECK(gateway->status().bus.failed == 0);
}

TEST_CASE("gateway: options that cannot work are refused by name") {
  const auto message = [](auto change) {
    test::GatewayFixture fixture;
    change(fixture.options);
    const auto opened = Gateway::open(fixture.options);
    CHECK(opened.status().code() == Code::invalid_argument);
    return opened.status().message();
  };
  const auto starts = [](const std::string& text, const char* with) {
    return text.rfind(with, 0) == 0;
  };
  CHECK(starts(message([](auto& o) { o.database.clear(); }), "database"));
  CHECK(starts(message([](auto& o) { o.database = std::string("a\0b", 3); }), "database"));
  CHECK(starts(message([](auto& o) { o.device_id = "a/b"; }), "device_id: byte 1"));
  CHECK(starts(message([](auto& o) { o.device_id = std::string(65, 'a'); }), "device_id"));
  CHECK(starts(message([](auto& o) { o.limits.data_bytes_max = 0; }), "limits.data_bytes_max"));
  CHECK(starts(message([](auto& o) { o.flush_interval = Duration(0); }), "flush_interval"));
  CHECK(starts(message([](auto& o) { o.ack_flush = Duration(-1); }), "ack_flush"));
  CHECK(starts(message([](auto& o) { o.ack_flush_events = 0; }), "ack_flush_events"));
  CHECK(starts(message([](auto& o) { o.flush_interval = Duration::max(); }), "flush_interval"));
  CHECK(starts(message([](auto& o) { o.source = "has space"; }), "source"));
  CHECK(starts(message([](auto& o) { o.database = ":memory:"; }), "database"));
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: unknown streams and bad names are told") {
  open();
  CHECK(gateway->route("#", "nowhere").code() == Code::not_found);
  CHECK(gateway->route("a/#/b", "outbox").code() == Code::invalid_argument);
  CHECK(gateway->read("nowhere", Position::start()).status().code() == Code::not_found);
  CHECK(gateway->create_stream({.name = ""}).code() == Code::invalid_argument);
  CHECK(gateway->create_stream({.name = "Caps"}).message().find("0") != std::string::npos);
  CHECK(gateway->create_stream({.name = std::string(65, 'a')}).code() == Code::invalid_argument);
  CHECK(gateway->retry_uplink("nobody").code() == Code::not_found);
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: without a name it takes one from its database") {
  options.device_id.clear();
  open();
  const std::string name = gateway->status().device_id;
  CHECK(name.rfind("gw-", 0) == 0);
  CHECK(name.size() == 11);
  open();
  CHECK(gateway->status().device_id == name);
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: two live in one process") {
  open();
  GatewayFixture other;
  other.open();
  publish("here");
  CHECK(other.stored().empty());
  CHECK(stored() == Texts{"here"});
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: closing stores what is buffered [P-07]") {
  open();
  publish("a", Durability::buffered);
  open();
  CHECK(stored() == Texts{"a"});
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: started, it stores buffered events by itself") {
  options.platform.clock = nullptr;  // the real one, which its thread waits by
  options.flush_interval = std::chrono::milliseconds(1);
  open();
  REQUIRE(gateway->start().is_ok());
  CHECK(gateway->start().code() == Code::wrong_state);
  publish("a", Durability::buffered);
  while (stored().empty()) {
  }
  gateway->stop();
  gateway->stop();
  REQUIRE(gateway->start().is_ok());
}

namespace {

// An upstream whose look-up hangs until it is let go, as a resolver without a network does.
class StuckTransport final : public Transport {
 public:
  explicit StuckTransport(std::shared_future<void> released) : released_(std::move(released)) {}
  Status connect() override {
    released_.wait();
    return {Code::unavailable, "gave up"};
  }
  void disconnect() override {}
  Status send(std::span<const Outbound> /*events*/) override {
    return {Code::unavailable, "stuck"};
  }
  void poll(Duration /*wait*/, TransportSink& /*sink*/) override {}
  void wake() override {}
  [[nodiscard]] std::string address() const override { return "stuck"; }

 private:
  std::shared_future<void> released_;
};

}  // namespace

TEST_CASE_FIXTURE(GatewayFixture,
                  "gateway: a stuck upstream slows neither the bus nor another uplink [P-24]") {
  std::promise<void> release;
  test::FakePeer healthy;
  healthy.does_block = true;
  options.platform.clock = nullptr;
  open();
  UplinkOptions uplink{.name = "stuck", .streams = {"outbox"}};
  REQUIRE(
      gateway->add_uplink(uplink, std::make_unique<StuckTransport>(release.get_future())).is_ok());
  uplink.name = "healthy";
  REQUIRE(gateway->add_uplink(uplink, healthy.transport()).is_ok());
  REQUIRE(gateway->start().is_ok());
  std::atomic<int> heard = 0;
  const auto subscription = gateway->subscribe("sensor/#", [&heard](const Event&) {
    ++heard;
    return Status();
  });
  publish_many(1, 50);
  while (gateway->status().uplinks.back().acknowledged < 50)
    std::this_thread::yield();
  CHECK(heard == 50);
  CHECK(gateway->status().uplinks.front().acknowledged == 0);
  release.set_value();
  gateway->stop();
  CHECK(outbox().ledger.pending == 50);
  close();
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: an uplink that cannot work is refused by name") {
  open();
  test::FakePeer peer;
  const auto message = [&](auto change) {
    UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}};
    change(uplink);
    const Status status = gateway->add_uplink(uplink, peer.transport());
    CHECK(status.code() == Code::invalid_argument);
    return status.message();
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(message([](auto& o) { o.name = "A"; }), "uplink"));
  CHECK(has(message([](auto& o) { o.streams.clear(); }), "streams"));
  CHECK(has(message([](auto& o) { o.retry.initial_delay = Duration(0); }), "retry.initial_delay"));
  CHECK(has(message([](auto& o) { o.retry.max_delay = Duration(1); }), "retry.max_delay"));
  CHECK(has(message([](auto& o) { o.retry.multiplier = 0.5; }), "retry.multiplier"));
  CHECK(has(message([](auto& o) { o.max_in_flight = 0; }), "max_in_flight"));
  CHECK(has(message([](auto& o) { o.max_in_flight = 65'536; }), "max_in_flight"));
  CHECK(has(message([](auto& o) { o.batch_events = 0; }), "batch_events"));
  CHECK(has(message([](auto& o) { o.breaker.trip_after = Duration(0); }), "trip_after"));
  CHECK(has(message([](auto& o) { o.connect_timeout = Duration::max(); }), "connect_timeout"));
  UplinkOptions good{.name = "cloud", .streams = {"nowhere"}};
  CHECK(gateway->add_uplink(good, peer.transport()).code() == Code::not_found);
  good.streams = {"outbox", "nowhere"};
  CHECK(gateway->add_uplink(good, peer.transport()).code() == Code::not_found);
  good.streams = {"outbox", "outbox"};
  CHECK(gateway->add_uplink(good, peer.transport()).code() == Code::invalid_argument);
  CHECK(outbox().consumers.empty());
  good.streams = {"outbox"};
  CHECK(gateway->add_uplink(good, nullptr).code() == Code::invalid_argument);
  CHECK(gateway->add_uplink(good, peer.transport()).is_ok());
  CHECK(gateway->add_uplink(good, peer.transport()).code() == Code::already_exists);
  CHECK(gateway->retry_uplink("cloud").is_ok());
  REQUIRE(gateway->start().is_ok());
  good.name = "late";
  CHECK(gateway->add_uplink(good, peer.transport()).code() == Code::wrong_state);
  close();
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "gateway: its steps run the queues of its bus, which may publish") {
  open();
  const auto queued =
      gateway->bus().subscribe("sensor/#", {.run = Run::shared}, [&](const Event& event) {
        return gateway->publish({.topic = "derived", .data = event.data + "!"}).status();
      });
  REQUIRE(queued.is_ok());
  publish("1");
  CHECK(stored() == Texts{"1"});
  gateway->step(clock.now());
  CHECK(stored() == Texts{"1", "1!"});
  CHECK(gateway->status().bus.named.front().delivered == 1);
  close();
}

TEST_CASE_FIXTURE(GatewayFixture, "gateway: the workers of its bus run while it is started") {
  open();
  std::promise<std::string> heard;
  const auto queued =
      gateway->bus().subscribe("sensor/#", {.run = Run::own}, [&](const Event& event) {
        if (event.data == "1") heard.set_value(event.data);
        return Status();
      });
  publish("1");
  CHECK(gateway->status().bus.named.front().queued == 1);
  REQUIRE(gateway->start().is_ok());
  CHECK(heard.get_future().get() == "1");
  gateway->stop();
  publish("2");
  CHECK(gateway->status().bus.named.front().queued == 1);
  CHECK(gateway->bus().start().is_ok());
  CHECK(gateway->start().code() == Code::wrong_state);
  gateway->bus().stop();
  close();
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "gateway: a handler that is stuck in a queue blocks no publisher [P-25]") {
  open();
  std::promise<void> entered;
  std::promise<void> released;
  const auto stuck = gateway->bus().subscribe("sensor/#", {.run = Run::own, .queue_capacity = 2},
                                              [&, first = true](const Event&) mutable {
                                                if (std::exchange(first, false)) {
                                                  entered.set_value();
                                                  released.get_future().wait();
                                                }
                                                return Status();
                                              });
  REQUIRE(gateway->start().is_ok());
  publish("1");
  entered.get_future().wait();
  publish_many(2, 20);
  const SubscriptionStatus one = gateway->status().bus.named.front();
  CHECK(one.queued == 2);
  CHECK(one.dropped == 17);
  CHECK(one.blocked == 0);
  CHECK(stored().size() == 20);
  released.set_value();
  close();
}

TEST_CASE_FIXTURE(GatewayFixture,
                  "gateway: what a queue has no room for is spilled into a stream") {
  open();
  REQUIRE(gateway->create_stream({.name = "overflow"}).is_ok());
  const auto queued = gateway->bus().subscribe("sensor/#",
                                               {.name = "panel",
                                                .run = Run::shared,
                                                .queue_capacity = 1,
                                                .overflow = Overflow::spill,
                                                .spill = *gateway->spill("overflow")},
                                               [](const Event&) { return Status(); });
  publish_many(1, 3);
  REQUIRE(gateway->flush().is_ok());
  CHECK(data_of(*gateway->read("overflow", Position::start())) == Texts{"2", "3"});
  CHECK(gateway->status().bus.named.front().spilled == 2);
  close();
}
