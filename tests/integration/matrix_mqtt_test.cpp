// What happens on the way to each broker we know, and what arrives there all the same. The gateway
// has the policy that users get.
#include <doctest.h>

#include "support/matrix.hpp"
#include "support/mosquitto.hpp"
#include "support/nats.hpp"
#include "support/nginx.hpp"
#include "support/pki.hpp"
#include "support/rabbitmq.hpp"
#include "support/witness.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEvents = 600;
constexpr std::size_t kWindow = 64;  // of UplinkOptions

Network& network() {
  static Network network;
  return network;
}

/// It forgets its sessions when it is killed. What it has acknowledged is on its way to the witness
/// by then, in the buffers of the system, if those are large enough.
struct MosquittoServer : Mosquitto {
  static constexpr int kPort = 1883;
  static constexpr int kQos = 0;
  MosquittoServer() : Mosquitto(with_large_buffers("listener 1883 0.0.0.0\n")) {}
  static std::string with_large_buffers(std::string configuration) {
    for (const std::string which : {"tcp_wmem", "tcp_rmem"})
      write_file("/proc/sys/net/ipv4/" + which, "4096 4194304 8388608\n");
    return configuration;
  }
};
struct NatsServer : Nats {
  static constexpr int kPort = 1884;
  static constexpr int kQos = 1;
  NatsServer() : Nats(kPort) {}
};
struct RabbitMqServer : RabbitMq {
  static constexpr int kPort = 1885;
  static constexpr int kQos = 1;
  RabbitMqServer() : RabbitMq(kPort) {}
};

/// A broker and how it is spoken to. NATS and RabbitMQ know MQTT 3.1.1 alone: we fall back.
template <typename BrokerServer, int kVersionSpoken, MqttVersion kVersionAsked>
struct Upstream {
  using Server = BrokerServer;
  static constexpr int kVersion = kVersionSpoken;
  static constexpr MqttVersion kAsked = kVersionAsked;
};
struct MosquittoV5 : Upstream<MosquittoServer, 5, MqttVersion::automatic> {};
struct Mosquitto311 : Upstream<MosquittoServer, 4, MqttVersion::v311> {};
struct NatsGateway : Upstream<NatsServer, 4, MqttVersion::automatic> {};
struct RabbitMqPlugin : Upstream<RabbitMqServer, 4, MqttVersion::automatic> {};

/// One for all tests of a program.
template <typename Server>
Server& shared() {
  network();  // it lives there
  static Server server;
  return server;
}

/// One test: a gateway, a broker and a witness.
template <typename Upstream>
struct Scene {
  explicit Scene(const std::string& test)
      : name(test + "-v" + std::to_string(Upstream::kVersion)),
        broker(shared<typename Upstream::Server>()),
        gateway(network(), name),
        witness(gateway.oracle, {.port = broker.kPort,
                                 .version = Upstream::kVersion,
                                 .qos = broker.kQos,
                                 .client_id = "witness-" + name,
                                 .filter = "edgepost/" + name + "/#"}) {}
  ~Scene() { network().heal(); }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  void start() { gateway.start(gateway.mqtt(broker.kPort, Upstream::kAsked)); }
  /// Lets the half of them arrive.
  void publish_and_start(std::size_t count = kEvents) {
    gateway.publish(count);
    start();
    REQUIRE(gateway.oracle.wait_for(count / 2, 20s));
  }
  /// Everything arrives, whatever happened; we have sent at most so many again.
  void finish(std::size_t repeats_max, std::chrono::seconds patience = 30s) {
    gateway.wait_until_drained(patience);
    const std::uint64_t published = gateway.published();
    gateway.oracle.wait_for(published, 10s);
    gateway.oracle.check(gateway.source());
    const UplinkStatus status = gateway.uplink();
    CHECK(status.sent <= published + repeats_max);
    MESSAGE((status.sent - published) << " sent again, " << gateway.oracle.repeats()
                                      << " arrived again, " << status.connects << " connections");
    gateway.check_sound();
  }

  const std::string name;
  typename Upstream::Server& broker;
  GatewaySide gateway;
  Witness witness;
};

const auto kOffline = [](const UplinkStatus& status) {
  return status.state != UplinkState::online;
};

#define EDGEPOST_UPSTREAMS MosquittoV5, Mosquitto311, NatsGateway, RabbitMqPlugin

TEST_CASE_TEMPLATE("link: everything arrives once, byte by byte, in order [P-01] [P-10]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("clean");
  scene.gateway.publish(kEvents);
  scene.start();
  scene.finish(0);
}

TEST_CASE_TEMPLATE("link: a broker is killed in mid-drain [P-01] [P-05] [P-12]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("kill");
  scene.publish_and_start(4 * kEvents);
  const unsigned before = scene.witness.subscriptions();
  scene.broker.kill_hard();
  network().refuse();  // until the witness is back: mosquitto forgets its session when it is killed
  scene.broker.start();
  scene.witness.wait_for_subscription(before + 1);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the broker's return");
  scene.finish(kWindow);
}

TEST_CASE_TEMPLATE("link: a black hole ends [P-01] [P-30]", Upstream, EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("blackhole");
  scene.publish_and_start();
  network().cut();
  scene.gateway.publish(kEvents);
  REQUIRE(scene.gateway.wait_until(kOffline, 20s));
  std::this_thread::sleep_for(2s);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the end of the black hole");
  scene.finish(kWindow);
}

TEST_CASE_TEMPLATE("link: a half-open connection is given up [P-01] [P-12] [P-33]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("halfopen");
  scene.gateway.publish(10);
  scene.start();
  scene.gateway.wait_until_drained();
  network().half_open();
  scene.gateway.publish(kEvents);
  REQUIRE(scene.gateway.wait_until(kOffline, 20s));
  CHECK(scene.gateway.uplink().acknowledged == 10);
  network().heal();
  scene.gateway.wait_for_acknowledgement("both directions are there");
  scene.finish(kWindow);
}

TEST_CASE_TEMPLATE("link: every connection is reset for a while [P-01] [P-12] [P-30]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("reset");
  scene.publish_and_start(4 * kEvents);
  network().refuse();
  REQUIRE(scene.gateway.wait_until(kOffline, 20s));
  CHECK(scene.gateway.uplink().lag > 0);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the last reset");
  scene.finish(kWindow);
}

TEST_CASE_TEMPLATE("link: a captive portal is no broker [P-33]", Upstream, EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("portal");
  Pki pki;
  pki.make("portal", {});
  const Nginx portal("http://127.0.0.1:1",
                     "listen 8080; return 302 https://portal.example/;\n"
                     "ssl_certificate " +
                         pki.certificate("portal") + ";\nssl_certificate_key " + pki.key("portal") +
                         ";");
  network().divert(scene.broker.kPort, 8080);
  scene.gateway.publish(kEvents);
  scene.start();
  REQUIRE(scene.gateway.wait_until(
      [](const UplinkStatus& status) { return status.endpoints.front().failures > 1; }, 20s));
  MESSAGE(scene.gateway.uplink().last_error);
  CHECK(scene.gateway.uplink().sent == 0);
  CHECK(scene.gateway.uplink().acknowledged == 0);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the portal's end");
  scene.finish(0);
}

TEST_CASE_TEMPLATE("line: 30 percent of the packets are lost [P-01] [P-10]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("loss");
  network().lose(30);
  scene.gateway.publish(kEvents / 4);
  scene.start();
  scene.finish(10 * kWindow, 150s);  // TCP doubles its waiting at each loss
}

TEST_CASE_TEMPLATE("line: a line of 9,600 baud is slow and works [P-01] [P-10]", Upstream,
                   EDGEPOST_UPSTREAMS) {
  Scene<Upstream> scene("baud");
  network().slow_down(9'600);
  scene.gateway.publish(40);
  scene.start();
  scene.finish(0, 50s);
}

}  // namespace
}  // namespace edgepost::test
