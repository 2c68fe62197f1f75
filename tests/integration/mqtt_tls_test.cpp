#include <doctest.h>

#include <string>

#include "edgepost/mqtt.hpp"
#include "edgepost/tls.hpp"
#include "support/mosquitto.hpp"
#include "support/pki.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

/// A broker with a certificate of `root` for 127.0.0.1, on a second port.
class TlsBroker {
 public:
  explicit TlsBroker(const std::string& more = {}) {
    pki_.make_authority("root");
    pki_.make_authority("other");
    pki_.make("server", {.issuer = "root", .names = "IP:127.0.0.1"});
    pki_.make("client", {.issuer = "root", .names = "DNS:gw-1"});
    broker_ = std::make_unique<Mosquitto>(
        "listener " + std::to_string(port_) + " 127.0.0.1\ncertfile " + pki_.certificate("server") +
        "\nkeyfile " + pki_.key("server") + "\ncafile " + pki_.certificate("root") + "\n" + more);
  }

  [[nodiscard]] TlsOptions trusting(const std::string& root) const {
    return {.ca_file = pki_.certificate(root)};
  }
  [[nodiscard]] MqttOptions options(const TlsOptions& tls, int port = 0) const {
    MqttOptions options;
    options.url = "mqtts://127.0.0.1:" + std::to_string(port == 0 ? port_ : port);
    Result<std::shared_ptr<Tls>> made = make_tls(tls);
    REQUIRE_MESSAGE(made.is_ok(), made.status().message());
    options.tls = std::move(*made);
    return options;
  }
  Mosquitto& broker() { return *broker_; }
  [[nodiscard]] const Pki& pki() const { return pki_; }

 private:
  Pki pki_;
  const int port_ = free_port();
  std::unique_ptr<Mosquitto> broker_;
};

}  // namespace

TEST_CASE("mqtts: events go out and come in over a verified connection, and over the next one") {
  TlsBroker tls;
  MqttOptions options = tls.options(tls.trusting("root"));
  options.subscriptions = {"cmd/#"};
  TransportDriver driver(options);
  for (std::size_t round = 0; round < 2; ++round) {
    driver.connect();
    driver.answers.clear();
    std::vector<Event> events(30, published_event("plant/pump", std::string(20'000, 'x')));
    driver.send(1, events);
    REQUIRE(driver.poll_until([&] { return driver.answers.size() == events.size(); }));
    for (const auto& [token, answers] : driver.answers)
      CHECK(answers.at(0).meaning == AnswerClass::acknowledged);
    REQUIRE(tls.broker().publish("cmd/valve", "open"));
    REQUIRE(driver.poll_until([&] { return driver.received.size() == round + 1; }));
  }
  CHECK(driver.transport().traffic().sent > 2 * 30 * 20'000);
  CHECK(driver.transport().address() == options.url);
}

TEST_CASE("mqtts: a broker whose certificate is not trusted hears no CONNECT [P-33] [P-60]") {
  TlsBroker tls;
  TransportDriver driver(tls.options(tls.trusting("other")));
  for (int round = 0; round < 2; ++round) {
    const Answer why = driver.fail_to_connect();
    CHECK(why.meaning == AnswerClass::link_down);
    CHECK(why.reason.find("mqtts://127.0.0.1:") == 0);
    CHECK(why.reason.find(": TLS: ") != std::string::npos);
    CHECK_FALSE(why.is_unreachable);
    CHECK(driver.accepted.empty());
  }
}

TEST_CASE("mqtts: a broker that wants our certificate refuses us as a matter of credentials") {
  TlsBroker tls("require_certificate true\n");
  TransportDriver stranger(tls.options(tls.trusting("root")));
  CHECK(stranger.fail_to_connect().meaning == AnswerClass::credentials);
  TlsOptions known = tls.trusting("root");
  known.certificate_file = tls.pki().certificate("client");
  known.key_file = tls.pki().key("client");
  TransportDriver driver(tls.options(known));
  driver.connect();
}

TEST_CASE("mqtts: a broker that speaks no TLS is a failure, not a connection [P-33]") {
  TlsBroker tls;
  TransportDriver driver(tls.options(tls.trusting("root"), tls.broker().port()));
  const Answer why = driver.fail_to_connect();
  CHECK(why.meaning != AnswerClass::acknowledged);
  CHECK_FALSE(why.is_unreachable);
  CHECK(driver.accepted.empty());
}

TEST_CASE("mqtts: a broker that is killed is a link that is down, and comes back") {
  TlsBroker tls;
  TransportDriver driver(tls.options(tls.trusting("root")));
  driver.connect();
  tls.broker().kill_hard();
  CHECK(driver.wait_for_end().meaning == AnswerClass::link_down);
  CHECK(driver.fail_to_connect().is_unreachable);
  tls.broker().start();
  driver.connect();
}

}  // namespace edgepost::test
