// What a broker may have against an event, or against all of them; and a second broker for when
// the first one is gone.
#include <doctest.h>

#include <atomic>

#include "support/matrix.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"
#include "support/witness.hpp"
#include "wire/parse.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEvents = 300;

Network& network() {
  static Network network;
  return network;
}

/// A gateway and the judge of what arrives. Made before the brokers, who live where it has put us.
struct Scene {
  explicit Scene(const std::string& name) : gateway(network(), name) {
    options.retry.initial_delay = 100ms;  // for refused events
  }
  ~Scene() { network().heal(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  std::string large() {
    return gateway.publish({.topic = "log", .data = std::string(100'000, 'x'), .key = "log"});
  }
  /// Everything arrives but what was to become a dead letter.
  void finish(const std::set<std::string>& dead = {}) {
    gateway.wait_until_drained(40s);
    gateway.oracle.wait_for(gateway.published() - dead.size(), 10s);
    gateway.oracle.check(gateway.source(), dead);
    CHECK(gateway.dead() == dead.size());
    gateway.check_sound();
  }

  GatewaySide gateway;
  UplinkOptions options;
};

// Where the queue has no limit, mosquitto 2.0.11 hangs up on a client whose publish it refused.
std::string access_list(const std::string& path) {
  return "acl_file " + path + "\nmax_queued_messages 100000\n";
}

}  // namespace

TEST_CASE("refusal: a broker that permits nothing for a while kills no event [P-14]") {
  const TempDir directory;
  write_file(directory.file("acl"), "topic read #\n");
  Scene scene("forbidden");
  Mosquitto broker(access_list(directory.file("acl")));
  scene.gateway.publish(kEvents);
  scene.gateway.start(scene.gateway.mqtt(broker.port()), scene.options);
  REQUIRE(scene.gateway.wait_until([](const UplinkStatus& status) { return status.refused >= 3; },
                                   20s));
  CHECK(scene.gateway.uplink().acknowledged == 0);
  broker.stop();
  write_file(directory.file("acl"), "topic readwrite #\n");
  broker.start();
  const Witness witness(scene.gateway.oracle, {.port = broker.port()});
  scene.finish();
}

TEST_CASE("refusal: one topic that is not permitted stops no other [P-11]") {
  const TempDir directory;
  write_file(directory.file("acl"), "topic edgepost/topic/machine/#\ntopic read #\n");
  Scene scene("topic");
  const Mosquitto broker(access_list(directory.file("acl")));
  const Witness witness(scene.gateway.oracle, {.port = broker.port()});
  scene.gateway.publish(kEvents);
  const std::string secret =
      scene.gateway.publish({.topic = "secret", .data = "x", .key = "secret"});
  scene.gateway.publish(kEvents);
  scene.gateway.start(scene.gateway.mqtt(broker.port()), scene.options);
  scene.finish({secret});
}

TEST_CASE("refusal: what is too large dies alone, announced or refused [P-11]") {
  for (const char* limit : {"max_packet_size 50000\n", "message_size_limit 50000\n"}) {
    Scene scene("large");
    const Mosquitto broker(limit);
    const Witness witness(scene.gateway.oracle, {.port = broker.port()});
    scene.gateway.publish(kEvents);
    const std::string large = scene.large();
    scene.gateway.publish(kEvents);
    scene.gateway.start(scene.gateway.mqtt(broker.port()), scene.options);
    scene.finish({large});
  }
}

TEST_CASE("refusal: an event at which the broker hangs up each time stops no other [P-11]") {
  Scene scene("hangup");
  const Mosquitto broker("max_packet_size 50000\n");  // which it cannot announce to MQTT 3.1.1
  const Witness witness(scene.gateway.oracle, {.port = broker.port(), .version = 4});
  scene.gateway.publish(kEvents);
  const std::string large = scene.large();
  scene.gateway.publish(kEvents);
  scene.gateway.start(scene.gateway.mqtt(broker.port(), MqttVersion::v311), scene.options);
  scene.finish({large});
}

TEST_CASE("refusal: a quota that is used up for a while kills no event [P-14]") {
  constexpr int kQuotaExceeded = 0x97;
  std::atomic<int> refusals = 20;
  Scene scene("quota");
  ScriptedBroker broker([&](const std::string& packet) -> ScriptedBroker::Reply {
    const int type = static_cast<unsigned char>(packet.front()) >> 4;
    if (type == 1) return {std::string("\x20\x03\x00\x00\x00", 5)};  // CONNACK
    if (type == 12) return {std::string("\xd0\x00", 2)};             // PINGRESP
    if (type != 3) return {};
    if (refusals-- > 0) return {puback(packet, kQuotaExceeded)};
    const auto event = wire::parse_event(packet.substr(packet.find("{\"specversion\"")));
    if (event) scene.gateway.oracle.arrived(event->source, event->id.to_string(), event->data);
    return {puback(packet, 0)};
  });
  MqttOptions to = scene.gateway.mqtt(0);
  to.url =
      "mqtt://" + std::string(Network::kUpstream) + broker.url().substr(broker.url().rfind(':'));
  to.mode = MqttMode::structured;
  scene.gateway.publish(kEvents);
  scene.gateway.start(to, scene.options);
  scene.finish();
  CHECK(refusals < 0);
}

TEST_CASE(
    "refusal: in a black hole the breaker opens, the next broker takes over, and the first "
    "one is gone back to [P-10] [P-32]") {
  Scene scene("failover");
  const Mosquitto first;
  const Mosquitto second;
  GatewaySide& gateway = scene.gateway;
  const Witness at_first(gateway.oracle, {.port = first.port()});
  const Witness at_second(gateway.oracle, {.port = second.port()});
  std::vector<Endpoint> endpoints(2);
  for (std::size_t i = 0; i < 2; ++i) {
    auto transport = make_mqtt_transport(gateway.mqtt((i == 0 ? first : second).port()));
    REQUIRE(transport.is_ok());
    endpoints[i].transport = std::move(*transport);
  }
  UplinkOptions options;
  options.failover.fail_back_after = 2s;
  options.breaker.recovery_timeout = 5s;  // of 30 s
  gateway.publish(kEvents);
  gateway.start(std::move(endpoints), options);
  REQUIRE(gateway.oracle.wait_for(kEvents / 2, 20s));
  network().cut(first.port());
  gateway.publish(kEvents);
  const auto begin = std::chrono::steady_clock::now();
  const auto took = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  REQUIRE(gateway.wait_until(
      [](const UplinkStatus& status) { return status.endpoints.front().trips > 0; }, 20s));
  MESSAGE("the breaker opened after " << took() << " s");
  gateway.wait_until_drained();
  MESSAGE("everything had gone to the second broker after " << took() << " s");
  const std::string second_address = gateway.uplink().address;
  network().heal();
  REQUIRE(gateway.wait_until(
      [&](const UplinkStatus& status) { return status.address != second_address; }, 60s));
  MESSAGE("back at the first one after " << took() << " s");
  gateway.publish(kEvents);
  scene.finish();
}

}  // namespace edgepost::test
