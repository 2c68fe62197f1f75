#include <doctest.h>

#include <string>

#include "support/fake_transport.hpp"
#include "support/gateway_fixture.hpp"
#include "support/prometheus.hpp"

using namespace edgepost;
using test::MetricsReader;

namespace {

struct MetricsFixture : test::GatewayFixture {
  ~MetricsFixture() { close(); }

  void add_uplink() {
    REQUIRE(
        gateway->add_uplink({.name = "cloud", .streams = {"outbox"}}, peer.transport()).is_ok());
  }

  void step(int times) {
    for (int i = 0; i < times; ++i) {
      gateway->step(clock.now());
      clock.advance(std::chrono::milliseconds(10));
    }
  }

  test::FakePeer peer;
};

}  // namespace

TEST_CASE_FIXTURE(MetricsFixture, "metrics: they say what status() says") {
  open();
  add_uplink();
  REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  REQUIRE(gateway
              ->add_subscriber({.stream = "alarms", .consumer = {.name = "siren"}},
                               [](const Event&) { return Status(Code::unavailable, "no power"); })
              .is_ok());
  const auto subscription = gateway->subscribe("#", [](const Event&) { return Status(); });
  publish_many(1, 7);
  step(20);
  const GatewayStatus now = gateway->status();
  const MetricsReader metrics(gateway->metrics());
  const auto same = [&metrics](const std::string& sample, std::uint64_t value) {
    INFO(sample);
    CHECK(metrics[sample] == std::to_string(value));
  };
  const UplinkStatus& cloud = now.uplinks.front();
  CHECK(cloud.acknowledged == 7);
  const std::string uplink = R"({uplink="cloud"})";
  same("edgepost_uplink_attempts_total" + uplink, cloud.sent);
  same("edgepost_uplink_acknowledged_total" + uplink, cloud.acknowledged);
  same("edgepost_uplink_in_flight" + uplink, cloud.in_flight);
  same("edgepost_uplink_lag" + uplink, cloud.lag);
  same("edgepost_uplink_connects_total" + uplink, cloud.connects);
  same("edgepost_uplink_score" + uplink, cloud.score);
  same(R"(edgepost_uplink_state{uplink="cloud",state="online"})", 1);
  same(R"(edgepost_uplink_state{uplink="cloud",state="blocked"})", 0);
  same(R"(edgepost_stream_published_total{stream="alarms"})", 0);
  CHECK(metrics[R"(edgepost_stream_dropped_total{stream="outbox",reason="max_age"})"] == "0");
  same("edgepost_store_commits_total", now.writes.commits);
  same("edgepost_store_syncs_total", now.writes.syncs);
  same("edgepost_store_events_total", now.writes.events);
  same("edgepost_bus_published_total", now.bus.published);
  same("edgepost_bus_subscriptions", 1);
  same("edgepost_database_bytes", now.database_bytes);
  same("edgepost_reserve_used", 0);
  same(R"(edgepost_info{device_id="gw-1"})", 1);
  same(R"(edgepost_subscriber_failed_total{subscriber="siren",stream="alarms"})", 0);
}

TEST_CASE_FIXTURE(MetricsFixture, "metrics: the books of a stream are in them [P-04]") {
  open();
  publish_many(1, 5);
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 3).size() == 3);
  REQUIRE(cloud.acknowledge(1).is_ok());
  REQUIRE(cloud.reject(2, "refused", "not wanted").is_ok());
  step(1);
  REQUIRE(gateway->flush().is_ok());
  const MetricsReader metrics(gateway->metrics());
  CHECK(metrics[R"(edgepost_stream_published_total{stream="outbox"})"] == "5");
  CHECK(metrics[R"(edgepost_stream_acknowledged_total{stream="outbox"})"] == "1");
  CHECK(metrics[R"(edgepost_stream_pending{stream="outbox"})"] == "3");
  CHECK(metrics[R"(edgepost_stream_dead{stream="outbox"})"] == "1");
  CHECK(metrics[R"(edgepost_consumer_lag{stream="outbox",consumer="cloud"})"] == "3");
  const char* group = R"(edgepost_dead_letters{stream="outbox",consumer="cloud",reason="refused"})";
  CHECK(metrics[group] == "1");
}

TEST_CASE_FIXTURE(MetricsFixture, "metrics: subscriptions that have a name are in them") {
  open();
  const auto fails = [](const Event&) { return Status(Code::unavailable, "no"); };
  Bus& bus = gateway->bus();
  const auto panel = bus.subscribe(
      "sensor/+",
      {.name = "panel", .every = 2, .run = Run::shared, .queue_capacity = 1, .is_measured = true},
      fails);
  const auto quoted = bus.subscribe("say/\"hi\"\\/#", {.name = "quoted"}, fails);
  const auto nameless = bus.subscribe("sensor/+", {}, fails);
  const auto twin = bus.subscribe("sensor/+", {}, fails);
  publish_many(1, 5);
  const MetricsReader before(gateway->metrics());
  const std::string labels = R"({subscription="panel",filter="sensor/+"})";
  CHECK(before["edgepost_bus_subscription_queued" + labels] == "1");
  CHECK(before["edgepost_bus_subscription_dropped_total" + labels] == "2");
  CHECK(before["edgepost_bus_subscription_filtered_total" + labels] == "2");
  CHECK_FALSE(before.families().contains("edgepost_bus_subscription_call_seconds"));
  step(1);
  const MetricsReader after(gateway->metrics());
  CHECK(after["edgepost_bus_subscription_delivered_total" + labels] == "1");
  CHECK(after["edgepost_bus_subscription_failed_total" + labels] == "1");
  CHECK(after["edgepost_bus_subscription_call_seconds_count" + labels] == "1");
  CHECK(after["edgepost_bus_dropped_total"] == "2");
  CHECK(after["edgepost_bus_subscription_delivered_total"
              R"({subscription="quoted",filter="say/\"hi\"\\/#"})"] == "0");
}

TEST_CASE_FIXTURE(MetricsFixture, "metrics: a reason of any kind breaks no line") {
  open();
  publish("1");
  Consumer cloud = consumer();
  CHECK(fetch(cloud, 1).size() == 1);
  REQUIRE(cloud.reject(1, "say \"no\"\\\n9", "not wanted").is_ok());
  step(1);
  const MetricsReader metrics(gateway->metrics());
  CHECK(metrics["edgepost_dead_letters{stream=\"outbox\",consumer=\"cloud\","
                "reason=\"say \\\"no\\\"\\\\\\n9\"}"] == "1");
}

TEST_CASE_FIXTURE(MetricsFixture,
                  "metrics: a gateway without anything has some, and a reader too") {
  gateway = *Gateway::open(options);
  CHECK(MetricsReader(gateway->metrics()).families().contains("edgepost_store_commits_total"));
  close();
  options.access = Access::read;
  gateway = *Gateway::open(options);
  CHECK(MetricsReader(gateway->metrics()).size() > 10);
}
