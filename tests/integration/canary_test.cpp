// Secrets are put wherever a gateway takes them, and everything that it shows or keeps is searched.
#include <doctest.h>

#include <string>
#include <utility>

#include "edgepost/mqtt.hpp"
#include "support/canary.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"

namespace edgepost::test {
namespace {

bool is_blocked(const UplinkStatus& uplink) { return uplink.state == UplinkState::blocked; }

struct CanaryFixture {
  MqttOptions to(const std::string& url) const {
    MqttOptions options;
    options.url = url;
    options.client_id = "gw-1";
    options.user_name = "joe";
    options.version = MqttVersion::v5;
    return options;
  }

  /// Adds an uplink, with an event to send.
  void add(const MqttOptions& mqtt) {
    auto transport = make_mqtt_transport(mqtt, watched.options.platform);
    watched.saw(transport.status());
    REQUIRE(transport.is_ok());
    UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}, .inbox = "inbox"};
    uplink.retry.initial_delay = std::chrono::milliseconds(1);
    REQUIRE(watched.gateway->add_uplink(uplink, std::move(*transport)).is_ok());
    REQUIRE(watched.gateway->publish({.topic = "sensor/1", .data = "21.5"}).is_ok());
  }

  Canaries canaries;
  WatchedGateway watched;
};

/// A broker to which nobody may connect, whatever his password is.
std::string strict_broker(const TempDir& dir) {
  write_file(dir.file("passwords"), "");
  return "allow_anonymous false\npassword_file " + dir.file("passwords") + "\n";
}

}  // namespace

TEST_CASE("canary: the search finds one, also in base64 and in hex") {
  Canaries canaries;
  const std::string canary = canaries.hatch("self");
  for (const char* before : {"", "j", "jo", "joe:"}) {
    std::string encoded;
    wire::append_base64(before + canary + "!", encoded);
    CHECK(canaries.found_in("Basic " + encoded) == canary);
  }
  CHECK(canaries.found_in("password " + canary) == canary);
  CHECK(canaries.found_in("63616e6172792e73656c662e34623164") == canary);
  CHECK(canaries.found_in("canary.other.4b1d").empty());
}

TEST_CASE_FIXTURE(CanaryFixture, "canary: a refused MQTT password is seen nowhere [P-61]") {
  const Mosquitto broker(strict_broker(watched.dir));
  MqttOptions mqtt = to(broker.url());
  SUBCASE("given") { mqtt.password.value = canaries.hatch("given"); }
  SUBCASE("in a file") {
    mqtt.password.file = watched.dir.file("secret");
    write_file(mqtt.password.file, canaries.hatch("file") + "\n");
  }
  SUBCASE("asked for") {
    mqtt.password.source = [canary = canaries.hatch("source")] {
      return Result<std::string>(canary);
    };
  }
  add(mqtt);
  REQUIRE(watched.step_until(is_blocked));
  CHECK(watched.visible().find("edgepost/link/cloud/credentials") != std::string::npos);
  watched.check_silent(canaries);
}

TEST_CASE_FIXTURE(CanaryFixture,
                  "canary: a broker that repeats a password is not repeated [P-61]") {
  const std::string password = canaries.hatch("echoed");
  const ScriptedBroker broker([&password](const std::string& packet) -> ScriptedBroker::Reply {
    if (static_cast<unsigned char>(packet[0]) >> 4U != 1U) return {};
    // CONNACK, bad user name or password, with a reason string (MQTT 5.0, section 3.2.2.3.9).
    std::string properties("\x1f\x00", 2);
    properties += static_cast<char>(password.size());
    properties += password;
    std::string body("\x00\x86", 2);
    body += static_cast<char>(properties.size());
    body += properties;
    return {"\x20" + std::string(1, static_cast<char>(body.size())) + body, true};
  });
  MqttOptions mqtt = to(broker.url());
  mqtt.password.value = password;
  add(mqtt);
  REQUIRE(watched.step_until(is_blocked));
  watched.check_silent(canaries);
}

TEST_CASE_FIXTURE(CanaryFixture, "canary: options that are refused do not show secrets [P-61]") {
  const auto refused = [this](const auto& change) {
    MqttOptions mqtt = to("mqtt://127.0.0.1");
    change(mqtt);
    const Status status = make_mqtt_transport(mqtt, watched.options.platform).status();
    CHECK(status.code() == Code::invalid_argument);
    watched.saw(status);
  };
  const std::string secret = canaries.hatch("options");
  refused([&](MqttOptions& mqtt) { mqtt.url = "mqtt://joe:" + secret + "@broker:1883"; });
  refused([&](MqttOptions& mqtt) { mqtt.url = "mqtt://" + secret + "@broker"; });
  refused([&](MqttOptions& mqtt) { mqtt.url = "http://joe:" + secret + "@broker"; });
  refused([&](MqttOptions& mqtt) { mqtt.url = "mqtt://broker/?password=" + secret; });
  refused([&](MqttOptions& mqtt) { mqtt.password.value = secret + std::string("\0", 1); });
  refused([&](MqttOptions& mqtt) { mqtt.password.value = secret + std::string(70'000, 'x'); });
  refused([&](MqttOptions& mqtt) {
    mqtt.user_name.clear();
    mqtt.password.value = secret;
  });
  Secret both;
  both.value = secret;
  both.file = "/nowhere";
  watched.saw(read_secret(both).status());
  watched.check_silent(canaries);
}

TEST_CASE_FIXTURE(CanaryFixture, "canary: what was refused shows no payload") {
  const Mosquitto broker(strict_broker(watched.dir));
  MqttOptions mqtt = to(broker.url());
  mqtt.password.value = "wrong";
  add(mqtt);
  const std::string payload = canaries.hatch("payload");
  const std::string topic = canaries.hatch("topic");
  REQUIRE(watched.gateway->publish({.topic = "sensor/" + topic, .data = payload}).is_ok());
  REQUIRE(watched.step_until(is_blocked));
  canaries.check_absent("metrics", watched.gateway->metrics());
  for (const AuditEntry& row : watched.gateway->audit())
    canaries.check_absent("audit", row.detail + row.address + row.outcome);
}

#ifdef EDGEPOST_COMMAND
TEST_CASE_FIXTURE(CanaryFixture, "canary: the command says nothing of a password [P-61]") {
  const Mosquitto broker(strict_broker(watched.dir));
  const std::string secret = watched.dir.file("secret");
  write_file(secret, canaries.hatch("command") + "\n");
  const std::string db = watched.dir.file("gateway.db-command");
  REQUIRE(run({EDGEPOST_COMMAND, "publish", "--db", db, "--topic", "a"}, "1\n").code == 0);
  const Outcome sync = run({EDGEPOST_COMMAND, "sync", "--db", db, "--to", broker.url(), "--user",
                            "joe", "--password-file", secret, "--until-empty"});
  CHECK(sync.code == 1);
  CHECK(sync.err.find("not authori") != std::string::npos);
  canaries.check_absent("standard output", sync.out);
  canaries.check_absent("standard error", sync.err);
  const Outcome status = run({EDGEPOST_COMMAND, "status", "--db", db, "--json"});
  canaries.check_absent("status", status.out + status.err);
  const Outcome url = run({EDGEPOST_COMMAND, "sync", "--db", db, "--to",
                           "mqtt://joe:" + canaries.hatch("url") + "@127.0.0.1"});
  CHECK(url.code == 2);
  canaries.check_absent("standard error", url.out + url.err);
  watched.check_silent(canaries);
}
#endif

}  // namespace edgepost::test
