#include <doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>
#include <thread>

#include "edgepost/mqtt.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

using Reply = ScriptedBroker::Reply;

const std::string kFull = "inbox: full";

template <typename Broker>
MqttOptions listening_to(const Broker& broker, const std::string& filter = "cmd/#") {
  MqttOptions options;
  options.url = broker.url();
  options.subscriptions = {filter};
  return options;
}

/// Accepts, and answers a SUBSCRIBE with what `answer` says.
ScriptedBroker::Script on_subscribe(std::function<std::string(const std::string&)> answer) {
  return [answer = std::move(answer)](const std::string& packet) -> Reply {
    if (packet_type(packet) == kConnect) return {connack()};
    return packet_type(packet) == kSubscribe ? Reply{answer(packet)} : Reply{};
  };
}

/// Sends one command as soon as it is subscribed to.
std::string grant_and_command(const std::string& subscribe) {
  return suback(subscribe) + publication("cmd/valve", "open");
}

/// The bytes of memory this process really has.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

TEST_CASE("mqtt inbound: a message is stored before its PUBACK leaves [P-13]") {
  ScriptedBroker broker(on_subscribe(grant_and_command));
  TransportDriver driver(listening_to(broker));
  std::size_t confirmed_before = 99;
  driver.before_storing = [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    confirmed_before = broker.packets(kPuback).size();
  };
  driver.connect();
  REQUIRE(driver.poll_until([&] { return broker.packets(kPuback).size() == 1; }));
  CHECK(confirmed_before == 0);
  REQUIRE(driver.received.size() == 1);
  CHECK(driver.received[0].event.topic == "cmd/valve");
  CHECK(driver.received[0].event.data == "open");
  CHECK(body(broker.packets(kPuback).at(0)).substr(0, 2) == std::string("\0\x07", 2));
}

TEST_CASE("mqtt inbound: sending while something is not stored lets no PUBACK out") {
  ScriptedBroker broker(on_subscribe(grant_and_command));
  TransportDriver driver(listening_to(broker));
  driver.inbox_status = {Code::full, kFull};
  const Event event = published_event();
  driver.before_storing = [&] { driver.send(1, event); };
  driver.connect();
  driver.wait_for_end();
  driver.transport().disconnect();
  CHECK(broker.packets(kPuback).empty());
}

TEST_CASE("mqtt inbound: what cannot be stored ends the connection, and comes again [P-13]") {
  const Mosquitto broker;
  TransportDriver driver(listening_to(broker));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));  // subscribed
  driver.inbox_status = {Code::full, kFull};
  REQUIRE(broker.publish("cmd/valve", "open"));
  for (const Code code : {Code::io_error, Code::busy, Code::full}) {
    const Answer why = driver.wait_for_end();
    CHECK(why.meaning == AnswerClass::link_down);
    CHECK(why.reason == broker.url() + ": what came in was not stored: " + kFull);
    driver.inbox_status = {code, kFull};
    if (code != Code::full) REQUIRE(driver.transport().connect().is_ok());
  }
  driver.inbox_status = {};
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.received[0].event.data == "open");
  driver.transport().disconnect();
  driver.connect();
  REQUIRE(broker.publish("cmd/valve", "last"));
  REQUIRE(driver.poll_until([&] { return driver.received.size() == 2; }));
  CHECK(driver.received[1].event.data == "last");
}

TEST_CASE("mqtt inbound: a gateway killed before it has stored a message gets it again [P-13]") {
  const Mosquitto broker;
  const pid_t child = fork();
  if (child == 0) {
    TransportDriver doomed(listening_to(broker));
    doomed.before_storing = [] { kill(getpid(), SIGKILL); };
    doomed.connect();
    doomed.poll_until([&] { return !doomed.calls.empty(); });
    (void)broker.publish("cmd/valve", "open");
    doomed.poll_until([] { return false; });
    _exit(1);
  }
  int state = 0;
  REQUIRE(waitpid(child, &state, 0) == child);
  REQUIRE(WIFSIGNALED(state));
  TransportDriver driver(listening_to(broker));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.received[0].event.data == "open");
}

TEST_CASE("mqtt inbound: what is refused for good is confirmed, so that others can pass [P-62]") {
  ScriptedBroker broker(on_subscribe(grant_and_command));
  TransportDriver driver(listening_to(broker));
  driver.refusal = {Code::invalid_argument, "data: no"};
  driver.connect();
  REQUIRE(driver.poll_until([&] { return broker.packets(kPuback).size() == 1; }));
  CHECK(driver.ends.empty());
}

TEST_CASE("mqtt inbound: subscriptions are repeated only when the broker has lost the session") {
  std::atomic<bool> has_session{false};
  ScriptedBroker broker([&](const std::string& packet) -> Reply {
    if (packet_type(packet) == kConnect) return {connack({}, has_session)};
    return packet_type(packet) == kSubscribe ? Reply{suback(packet)} : Reply{};
  });
  TransportDriver driver(listening_to(broker));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  CHECK(driver.calls[0].what == "subscribe");
  CHECK(driver.calls[0].is_ok);
  CHECK(driver.calls[0].detail == "cmd/#");
  has_session = true;
  driver.connect();
  driver.transport().disconnect();
  CHECK(broker.packets(kSubscribe).size() == 1);
  has_session = false;
  driver.connect();
  REQUIRE(driver.poll_until([&] { return driver.calls.size() == 2; }));
  CHECK(broker.packets(kSubscribe).size() == 2);
}

TEST_CASE("mqtt inbound: a subscription that is refused is a matter of configuration, by name") {
  ScriptedBroker broker(
      on_subscribe([](const std::string& packet) { return suback(packet, 0x87); }));
  TransportDriver driver(listening_to(broker, "cmd/secret/#"));
  REQUIRE(driver.transport().connect().is_ok());
  const Answer why = driver.wait_for_end();
  CHECK(why.meaning == AnswerClass::configuration);
  CHECK(why.reason == broker.url() + ": cmd/secret/#: subscription refused: not authorized (135)");
  REQUIRE(driver.calls.size() == 1);
  CHECK_FALSE(driver.calls[0].is_ok);
}

TEST_CASE("mqtt inbound: many filters are all subscribed to") {
  const Mosquitto broker;
  MqttOptions options = listening_to(broker, "cmd/0");
  for (int i = 1; i < 20; ++i)
    options.subscriptions.push_back("cmd/" + std::to_string(i));
  TransportDriver driver(options);
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  REQUIRE(broker.publish("cmd/0", "a"));
  REQUIRE(broker.publish("cmd/19", "b"));
  REQUIRE(driver.poll_until([&] { return driver.received.size() == 2; }));
  CHECK(driver.received[1].event.topic == "cmd/19");
}

TEST_CASE("mqtt inbound: CloudEvents of another gateway arrive as they were, in either version") {
  const Mosquitto broker;
  TransportDriver driver(listening_to(broker, "edgepost/gw-2/#"));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  Event event = published_event("valve/7", "{\"open\":1}");
  event.content_type = "application/json";
  event.attributes = {{"unit", "C"}};
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    MqttOptions options;
    options.url = broker.url();
    options.client_id = "gw-2";
    options.version = version;
    TransportDriver sender(options);
    sender.connect();
    sender.send(1, event);
    REQUIRE(sender.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  }
  REQUIRE(driver.poll_until([&] { return driver.received.size() == 2; }));
  for (const Received& received : driver.received) {
    CHECK(received.event.id == event.id);
    CHECK(received.event.topic == "valve/7");
    CHECK(received.event.data == event.data);
    CHECK(received.event.content_type == "application/json");
    CHECK(received.event.type == event.type);
    CHECK(received.identity == driver.received[0].identity);
    REQUIRE(received.event.attributes.size() == 2);
    CHECK(received.event.attributes[0] == event.attributes[0]);
    CHECK(received.event.attributes[1] == Attribute{"mqtttopic", "edgepost/gw-2/valve/7"});
  }
}

TEST_CASE("mqtt inbound: a retained message says that it is one") {
  const Mosquitto broker;
  REQUIRE(run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-t",
               "cmd/mode", "-m", "night", "-r", "-q", "1"})
              .code == 0);
  TransportDriver driver(listening_to(broker));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.received[0].event.attributes == std::vector<Attribute>{{"retained", "true"}});
}

TEST_CASE(
    "mqtt inbound: a packet that is too large is cut by its header, memory untouched [P-62]") {
  constexpr std::size_t kHuge = 268'435'455;
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    ScriptedBroker broker([version](const std::string& packet) -> Reply {
      const bool is_connect = packet_type(packet) == kConnect;
      if (is_connect && version == MqttVersion::v5) return {connack()};
      if (is_connect) return {std::string("\x20\x02\x00\x00", 4)};
      // The header announces 256 MB; what follows would be the beginning of them.
      return {std::string("\x30\xFF\xFF\xFF\x7F\x00\x01t", 8) + std::string(100'000, 'x')};
    });
    MqttOptions options = listening_to(broker);
    options.version = version;
    TransportDriver driver(options);
    const std::size_t before = resident_bytes();
    driver.connect();
    const Answer why = driver.wait_for_end();
    CHECK(why.meaning == AnswerClass::link_down);
    CHECK(why.reason == broker.url() + ": the broker sends a packet of " +
                            std::to_string(kHuge + 5) + " bytes, inbound_packet_max is 1048576");
    CHECK(resident_bytes() < before + 8 * 1024 * 1024);
  }
}

TEST_CASE("mqtt inbound: the largest packet is announced, and the broker keeps to it") {
  const Mosquitto broker;
  MqttOptions options = listening_to(broker);
  options.inbound_packet_max = 2048;
  TransportDriver driver(options);
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  REQUIRE(broker.publish("cmd/large", std::string(3000, 'x')));
  REQUIRE(broker.publish("cmd/small", "x"));
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.received[0].event.topic == "cmd/small");
  CHECK(driver.ends.empty());
}

}  // namespace edgepost::test
