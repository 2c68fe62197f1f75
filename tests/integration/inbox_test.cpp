// From a real broker into the inbox.
#include <doctest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/gateway.hpp"
#include "edgepost/mqtt.hpp"
#include "edgepost/sim/disk.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

using Texts = std::vector<std::string>;

/// A gateway on a disk that fails when a test says so, with an uplink that only listens.
struct Listening {
  Listening() {
    options.database = "/gateway.db";
    options.device_id = "gw-1";
    options.reserve_bytes = 0;
    options.platform.vfs = disk.name();
  }
  ~Listening() { gateway.reset(); }

  void open() {
    auto opened = Gateway::open(options);
    REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
    gateway = std::move(*opened);
    REQUIRE(gateway->create_stream({.name = "inbox"}).is_ok());
    MqttOptions mqtt;
    mqtt.url = broker.url();
    mqtt.client_id = "gw-1";
    mqtt.subscriptions = {"command/#"};
    auto transport = make_mqtt_transport(mqtt);
    REQUIRE_MESSAGE(transport.is_ok(), transport.status().message());
    UplinkOptions uplink{.name = "cloud", .inbox = "inbox"};
    uplink.retry.initial_delay = std::chrono::milliseconds(10);
    uplink.retry.max_delay = std::chrono::milliseconds(200);
    REQUIRE(gateway->add_uplink(uplink, std::move(*transport)).is_ok());
    REQUIRE(
        step_until([](const UplinkStatus& cloud) { return cloud.state == UplinkState::online; }));
  }

  bool step_until(const std::function<bool(const UplinkStatus&)>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(15);
    while (std::chrono::steady_clock::now() < deadline) {
      if (is_done(gateway->status().uplinks.front())) return true;
      gateway->step(default_platform().clock->now(), std::chrono::milliseconds(10));
    }
    return false;
  }

  bool hears(const Texts& wanted) {
    const auto is_there = [&](const UplinkStatus&) { return in_inbox().size() >= wanted.size(); };
    return step_until(is_there) && in_inbox() == wanted;
  }

  Texts in_inbox() {
    const auto events = gateway->read("inbox", Position::start());
    Texts data;
    for (const Event& event : events ? *events : std::vector<Event>())
      data.push_back(event.data);
    return data;
  }

  Mosquitto broker;
  sim::Disk disk;
  GatewayOptions options;
  std::unique_ptr<Gateway> gateway;
};

}  // namespace

TEST_CASE_FIXTURE(Listening, "inbox: what the broker sends is there, also what it kept for us") {
  open();
  REQUIRE(broker.publish("command/1", "on"));
  CHECK(hears({"on"}));
  gateway.reset();
  REQUIRE(broker.publish("command/1", "off"));
  open();
  CHECK(hears({"on", "off"}));
}

TEST_CASE_FIXTURE(Listening,
                  "inbox: what a full disk did not take, the broker brings again [P-13]") {
  open();
  REQUIRE(broker.publish("command/1", "on"));
  CHECK(hears({"on"}));
  disk.fail_at(disk.calls(), sim::Fault::full, sim::Repeat::forever);
  REQUIRE(broker.publish("command/1", "off"));
  REQUIRE(broker.publish("command/1", "dim"));
  CHECK(step_until([](const UplinkStatus& cloud) { return cloud.connects >= 2; }));
  disk.clear_faults();
  CHECK(hears({"on", "off", "dim"}));
}

TEST_CASE_FIXTURE(Listening, "inbox: after a power cut the broker brings what is missing [P-13]") {
  open();
  REQUIRE(broker.publish("command/1", "on"));
  CHECK(hears({"on"}));
  disk.cut_power_at(disk.calls() + 1, {.seed = 7});
  REQUIRE(broker.publish("command/1", "off"));
  CHECK(step_until([this](const UplinkStatus&) { return !disk.is_on(); }));
  gateway.reset();
  disk.power_on();
  open();
  CHECK(hears({"on", "off"}));
}

}  // namespace edgepost::test
