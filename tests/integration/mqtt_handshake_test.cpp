#include <doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>

#include "edgepost/mqtt.hpp"
#include "support/loopback.hpp"
#include "support/scripted_broker.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

using Reply = ScriptedBroker::Reply;

const std::string kAccepted311("\x20\x02\x00\x00", 4);
const std::string kAccepted5("\x20\x03\x00\x00\x00", 5);

bool is(int type, const std::string& packet) {
  return static_cast<unsigned char>(packet[0]) >> 4U == static_cast<unsigned>(type);
}

/// Knows 3.1.1 alone: `to_v5` is what it does about a CONNECT of MQTT 5.0.
ScriptedBroker::Script only_311(const Reply& to_v5) {
  return [to_v5](const std::string& packet) -> Reply {
    if (is(kConnect, packet)) return protocol_level(packet) == 5 ? to_v5 : Reply{kAccepted311};
    return is(kPublish, packet) ? Reply{puback(packet)} : Reply{};
  };
}

/// Accepts with `connack` and gives `reply` to each publish.
ScriptedBroker::Script accepting(const std::string& connack,
                                 std::function<Reply(const std::string&)> reply) {
  return [connack, reply = std::move(reply)](const std::string& packet) -> Reply {
    if (is(kConnect, packet)) return {connack};
    return is(kPublish, packet) ? reply(packet) : Reply{};
  };
}

MqttOptions to(const ScriptedBroker& broker) {
  MqttOptions options;
  options.url = broker.url();
  return options;
}

std::vector<int> levels(ScriptedBroker& broker) {
  std::vector<int> result;
  for (const std::string& packet : broker.packets(kConnect))
    result.push_back(protocol_level(packet));
  return result;
}

/// The reason of a refused connection.
Answer refused_with(const std::string& connack, MqttVersion version = MqttVersion::v5) {
  ScriptedBroker broker([&](const std::string&) { return Reply{connack, true}; });
  MqttOptions options = to(broker);
  options.version = version;
  TransportDriver driver(options);
  return driver.fail_to_connect();
}

}  // namespace

TEST_CASE("mqtt handshake: CONNECT asks for a session that the broker keeps for a day") {
  ScriptedBroker broker(accepting(kAccepted5, [](const std::string&) { return Reply{}; }));
  MqttOptions options = to(broker);
  options.user_name = "joe";
  options.password.value = "pw";
  options.keep_alive = std::chrono::seconds(30);
  TransportDriver driver(options);
  driver.connect();
  const std::string connect = body(broker.packets(kConnect).at(0));
  const std::string session_expiry("\x11\x00\x01\x51\x80", 5);
  CHECK(connect.substr(0, 7) == std::string("\x00\x04MQTT\x05", 7));
  CHECK(connect[7] == '\xC0');  // user name, password; no clean start, no will
  CHECK(connect.substr(8, 2) == std::string("\x00\x1E", 2));
  CHECK(connect.find(session_expiry) == 11);
  CHECK(connect.ends_with(std::string("\x00\x04gw-1\x00\x03joe\x00\x02pw", 15)));
}

TEST_CASE("mqtt handshake: a password with a NUL is not sent in part [P-61]") {
  ScriptedBroker broker(accepting(kAccepted5, [](const std::string&) { return Reply{}; }));
  MqttOptions options = to(broker);
  options.user_name = "joe";
  options.password.source = [] { return Result<std::string>(std::string("p\0w", 3)); };
  TransportDriver driver(options);
  const Answer answer = driver.fail_to_connect();
  CHECK(answer.meaning == AnswerClass::link_down);
  CHECK(answer.reason.ends_with("password: NUL in it"));
  CHECK(broker.packets(kConnect).empty());
}

TEST_CASE("mqtt handshake: a broker that refuses v5 is spoken to in 3.1.1 from then on") {
  const std::string refusals[] = {std::string("\x20\x02\x00\x01", 4),
                                  std::string("\x20\x03\x00\x84\x00", 5),
                                  std::string("\x20\x03\x00\x01\x00", 5)};
  for (const std::string& refusal : refusals) {
    ScriptedBroker broker(only_311({refusal, true}));
    TransportDriver driver(to(broker));
    driver.connect();
    driver.send(1, published_event());
    CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
    const std::string publish = body(broker.packets(kPublish).at(0));
    CHECK(publish.substr(2, 24) == "edgepost/gw-1/plant/pump");
    CHECK(publish.substr(28).starts_with("{\"specversion\":\"1.0\""));
    driver.connect();
    CHECK(levels(broker) == std::vector<int>{5, 4, 4});
  }
}

TEST_CASE("mqtt handshake: a link that breaks is no reason to give v5 up for good") {
  ScriptedBroker broker(only_311({"", true}));
  TransportDriver driver(to(broker));
  driver.connect();
  driver.connect();
  CHECK(levels(broker) == std::vector<int>{5, 4, 5, 4});
}

TEST_CASE("mqtt handshake: when both versions fail the next attempt begins with v5") {
  ScriptedBroker broker([](const std::string&) { return Reply{"", true}; });
  TransportDriver driver(to(broker));
  const Answer why = driver.fail_to_connect();
  CHECK(why.meaning == AnswerClass::link_down);
  CHECK(why.reason == broker.url() + ": the broker closed the connection");
  driver.fail_to_connect();
  CHECK(levels(broker) == std::vector<int>{5, 4, 5, 4});
}

TEST_CASE("mqtt handshake: a version that was asked for is never given up") {
  ScriptedBroker broker(only_311({std::string("\x20\x03\x00\x84\x00", 5), true}));
  for (const bool by_mode : {false, true}) {
    MqttOptions options = to(broker);
    if (by_mode) options.mode = MqttMode::binary;
    if (!by_mode) options.version = MqttVersion::v5;
    TransportDriver driver(options);
    const Answer why = driver.fail_to_connect();
    CHECK(why.meaning == AnswerClass::configuration);
    CHECK(why.reason == broker.url() + ": connection refused: unsupported protocol version (132)");
  }
  CHECK(levels(broker) == std::vector<int>{5, 5});
}

TEST_CASE("mqtt handshake: each refusal of the broker has its class [P-14]") {
  const auto v5 = [](char code) { return refused_with({'\x20', 3, 0, code, 0}).meaning; };
  const auto v311 = [](char code) {
    return refused_with({'\x20', 2, 0, code}, MqttVersion::v311).meaning;
  };
  CHECK(v5('\x86') == AnswerClass::credentials);
  CHECK(v5('\x87') == AnswerClass::credentials);
  CHECK(v5('\x85') == AnswerClass::configuration);
  CHECK(v5('\x9D') == AnswerClass::configuration);
  CHECK(v5('\x89') == AnswerClass::link_down);
  CHECK(v5('\x9F') == AnswerClass::slow_down);
  CHECK(v311(2) == AnswerClass::configuration);
  CHECK(v311(3) == AnswerClass::link_down);
  CHECK(v311(4) == AnswerClass::credentials);
}

TEST_CASE("mqtt handshake: the broker's limits are handed on, never above our own") {
  const std::string limits("\x20\x0B\x00\x00\x08\x21\x00\x0A\x27\x00\x00\x10\x00", 13);
  ScriptedBroker broker(accepting(limits, [](const std::string&) { return Reply{}; }));
  TransportDriver driver(to(broker));
  driver.connect();
  CHECK(driver.accepted.back().in_flight_max == 10);
  CHECK(driver.accepted.back().message_bytes_max == 4096);
  MqttOptions options = to(broker);
  options.in_flight_max = 3;
  TransportDriver narrow(options);
  driver.transport().disconnect();
  narrow.connect();
  CHECK(narrow.accepted.back().in_flight_max == 3);
}

TEST_CASE("mqtt handshake: a broker without QoS 1 is a matter of configuration") {
  const Answer why = refused_with(std::string("\x20\x05\x00\x00\x02\x24\x00", 7));
  CHECK(why.meaning == AnswerClass::configuration);
  CHECK(why.reason.ends_with(": the broker does not offer QoS 1"));
}

TEST_CASE("mqtt handshake: a PUBACK with a reason code is no acknowledgement") {
  ScriptedBroker broker(accepting(
      kAccepted5, [](const std::string& publish) { return Reply{puback(publish, 0x97)}; }));
  TransportDriver driver(to(broker));
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::slow_down);
}

TEST_CASE("mqtt handshake: a PUBACK that comes again, or for nothing we sent, is ignored") {
  ScriptedBroker broker(accepting(kAccepted5, [](const std::string& publish) {
    return Reply{std::string("\x40\x02\x7F\xFF", 4) + puback(publish) + puback(publish)};
  }));
  TransportDriver driver(to(broker));
  driver.connect();
  for (std::uint64_t token = 1; token <= 3; ++token) {
    driver.send(token, published_event());
    driver.wait_for_answer(token);
  }
  CHECK(driver.answers.size() == 3);
  for (const auto& [token, answers] : driver.answers)
    CHECK(answers.size() == 1);
}

TEST_CASE("mqtt handshake: the broker's reason for hanging up is handed on") {
  const auto after_publish = [](char code) {
    ScriptedBroker broker(accepting(kAccepted5, [code](const std::string&) {
      return Reply{{'\xE0', 1, code}, true};
    }));
    TransportDriver driver(to(broker));
    driver.connect();
    driver.send(1, published_event());
    const Answer why = driver.wait_for_end();
    CHECK(driver.answers.empty());
    return why;
  };
  CHECK(after_publish('\x97').meaning == AnswerClass::slow_down);
  CHECK(after_publish('\x8B').meaning == AnswerClass::link_down);
  CHECK(after_publish('\x8B').reason.ends_with("server shutting down (139)"));
  CHECK(after_publish('\x8E').meaning == AnswerClass::link_down);
  CHECK(after_publish('\x8E').reason.find("session taken over: another client") !=
        std::string::npos);
}

TEST_CASE("mqtt handshake: a refusal that MQTT does not know falls on its event alone") {
  ScriptedBroker broker(accepting(kAccepted5, [](const std::string& publish) {
    const bool is_large = publish.find("large") != std::string::npos;
    return Reply{is_large ? puback(publish, 0x95) : puback(publish)};
  }));
  TransportDriver driver(to(broker));
  driver.connect();
  const Event events[] = {published_event("a"), published_event("large"), published_event("b")};
  const Outbound batch[] = {{1, &events[0]}, {2, &events[1]}, {3, &events[2]}};
  REQUIRE(driver.transport().send(batch).is_ok());
  CHECK(driver.wait_for_end().meaning == AnswerClass::link_down);
  CHECK(driver.answers[1].at(0).meaning == AnswerClass::acknowledged);
  CHECK(driver.answers[2].at(0).meaning == AnswerClass::too_large);
  CHECK(driver.answers[2].at(0).reason == "publish refused: packet too large (149)");
  CHECK(driver.answers[3].empty());
}

TEST_CASE("mqtt handshake: an answer that MQTT does not know falls on the oldest event") {
  ScriptedBroker broker(accepting(
      kAccepted5, [](const std::string& publish) { return Reply{puback(publish, 0x9D)}; }));
  TransportDriver driver(to(broker));
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_end().meaning == AnswerClass::link_down);
  CHECK(driver.answers[1].at(0).meaning == AnswerClass::suspect);
}

TEST_CASE("mqtt handshake: what was not answered is not sent again by itself [P-12]") {
  std::atomic<bool> answers{false};
  ScriptedBroker broker(accepting(kAccepted5, [&](const std::string& publish) -> Reply {
    return answers ? Reply{puback(publish)} : Reply{"", true};
  }));
  TransportDriver driver(to(broker));
  driver.connect();
  driver.send(1, published_event("first"));
  driver.wait_for_end();
  answers = true;
  driver.connect();
  driver.send(2, published_event("second"));
  driver.wait_for_answer(2);
  CHECK(broker.packets(kPublish).size() == 2);
  CHECK(body(broker.packets(kPublish).at(1)).substr(2).starts_with("edgepost/gw-1/second"));
}

TEST_CASE("mqtt handshake: answers that are no MQTT are a failure, not an acknowledgement") {
  ScriptedBroker broker([](const std::string&) {
    return Reply{"HTTP/1.1 302 Found\r\n\r\n", true};
  });
  TransportDriver driver(to(broker));
  CHECK(driver.fail_to_connect().meaning == AnswerClass::link_down);
  CHECK(driver.accepted.empty());
}

TEST_CASE("mqtt handshake: a broker that never answers holds nobody up") {
  int port = 0;
  const int listener = listen_on_loopback(0, port);
  MqttOptions options;
  options.url = "mqtt://127.0.0.1:" + std::to_string(port);
  // The first waits for CONNACK; the others for a place in the queue of the listener.
  std::vector<std::unique_ptr<TransportDriver>> drivers;
  for (int i = 0; i < 4; ++i) {
    drivers.push_back(std::make_unique<TransportDriver>(options));
    REQUIRE(drivers.back()->transport().connect().is_ok());
    drivers.back()->transport().poll(std::chrono::milliseconds(10), *drivers.back());
  }
  for (const auto& driver : drivers) {
    driver->transport().poll(std::chrono::milliseconds(10), *driver);
    CHECK(driver->accepted.empty());
    CHECK(driver->ends.empty());
    driver->transport().disconnect();
  }
  close(listener);
}

TEST_CASE("mqtt handshake: wake ends a poll in progress, and the next one") {
  MqttOptions options;
  options.url = "mqtt://127.0.0.1:1";
  TransportDriver driver(options);
  // A poll that is not woken is ended by the test's own time limit.
  constexpr Duration kForEver = std::chrono::hours(1);
  driver.transport().wake();
  driver.transport().poll(kForEver, driver);
  std::thread waker([&] { driver.transport().wake(); });
  driver.transport().poll(kForEver, driver);
  waker.join();
  CHECK(driver.ends.empty());
}

}  // namespace edgepost::test
