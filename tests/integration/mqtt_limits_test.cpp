#include <doctest.h>

#include <string>

#include "edgepost/mqtt.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

using Reply = ScriptedBroker::Reply;

MqttOptions to(const std::string& url) {
  MqttOptions options;
  options.url = url;
  return options;
}

ScriptedBroker::Script accepting(const std::string& properties) {
  return [properties](const std::string& packet) -> Reply {
    if (packet_type(packet) == kConnect) return {connack(properties)};
    return packet_type(packet) == kPublish ? Reply{puback(packet)} : Reply{};
  };
}

/// The topic of a PUBLISH packet.
std::string topic_of(const std::string& publish) {
  const std::string content = body(publish);
  return content.substr(2, static_cast<std::size_t>(content[1]));
}

}  // namespace

TEST_CASE("mqtt limits: the broker's keep alive counts, and its silence is noticed") {
  ScriptedBroker broker(accepting(std::string("\x13\x00\x01", 3)));  // 1 s; ours is 30 s
  TransportDriver driver(to(broker.url()));
  driver.connect();
  const Answer why = driver.wait_for_end();
  CHECK(why.meaning == AnswerClass::link_down);
  CHECK(why.reason == broker.url() + ": the broker fell silent");
  CHECK(broker.packets(kPing).size() == 1);
}

TEST_CASE("mqtt limits: repeated topics are sent as numbers, as many as the broker takes") {
  ScriptedBroker broker(accepting(std::string("\x22\x00\x01", 3)));
  MqttOptions options = to(broker.url());
  options.topic_aliases = true;
  TransportDriver driver(options);
  driver.connect();
  std::uint64_t token = 0;
  for (const char* const topic : {"a", "b", "a", "b"}) {
    driver.send(++token, published_event(topic));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
  }
  const std::vector<std::string> publishes = broker.packets(kPublish);
  REQUIRE(publishes.size() == 4);
  CHECK(topic_of(publishes[0]) == "edgepost/gw-1/a");
  CHECK(topic_of(publishes[1]) == "edgepost/gw-1/b");
  CHECK(topic_of(publishes[2]).empty());
  CHECK(topic_of(publishes[3]) == "edgepost/gw-1/b");
}

TEST_CASE("mqtt limits: a real broker knows the topics behind the numbers") {
  const Mosquitto broker;
  Subscriber subscriber(broker, "edgepost/#", {"-F", "%t %p"});
  MqttOptions options = to(broker.url());
  options.topic_aliases = true;
  TransportDriver driver(options);
  for (int round = 0; round < 2; ++round) {
    driver.connect();
    for (const char* const topic : {"a", "b", "a"}) {
      driver.answers.clear();
      driver.send(1, published_event(topic, topic));
      REQUIRE(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
      CHECK(subscriber.next() == "edgepost/gw-1/" + std::string(topic) + " " + topic);
    }
  }
}

TEST_CASE("mqtt limits: an event that was refused for its size gives its topic no number") {
  ScriptedBroker broker(accepting(std::string("\x22\x00\x05\x27\x00\x00\x02\x00", 8)));
  MqttOptions options = to(broker.url());
  options.topic_aliases = true;
  TransportDriver driver(options);
  driver.connect();
  driver.send(1, published_event("a", std::string(600, 'x')));
  driver.send(2, published_event("a"));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::too_large);
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::acknowledged);
  CHECK(topic_of(broker.packets(kPublish).at(0)) == "edgepost/gw-1/a");
}

TEST_CASE("mqtt limits: a topic that some brokers replace is refused, others pass") {
  const Mosquitto broker;
  TransportDriver driver(to(broker.url()));
  driver.connect();
  driver.send(1, published_event("plant/pump.7"));
  driver.send(2, published_event("plant/pump 7"));
  driver.send(3, published_event("plant/pump-7"));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::suspect);
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::suspect);
  CHECK(driver.wait_for_answer(3).meaning == AnswerClass::acknowledged);
  MqttOptions options = to(broker.url());
  options.allow_mangled_topics = true;
  TransportDriver lenient(options);
  lenient.connect();
  lenient.send(1, published_event("plant/pump.7"));
  CHECK(lenient.wait_for_answer(1).meaning == AnswerClass::acknowledged);
}

TEST_CASE("mqtt limits: a probe tells whether anybody listens, and disturbs no connection") {
  Mosquitto broker;
  TransportDriver driver(to(broker.url()));
  driver.transport().probe();
  REQUIRE(driver.poll_until([&] { return !driver.probed.empty(); }));
  driver.connect();
  driver.transport().probe();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  REQUIRE(driver.poll_until([&] { return driver.probed.size() == 2; }));
  broker.stop();
  CHECK(driver.wait_for_end().meaning == AnswerClass::link_down);
  driver.transport().probe();
  REQUIRE(driver.poll_until([&] { return driver.probed.size() == 3; }));
  CHECK(driver.probed == std::vector<bool>{true, true, false});
  CHECK(driver.fail_to_connect().is_unreachable);
}

TEST_CASE("mqtt limits: traffic is counted, and goes on over connections") {
  const Mosquitto broker;
  TransportDriver driver(to(broker.url()));
  CHECK(driver.transport().traffic() == Traffic{});
  driver.connect();
  driver.send(1, published_event("plant/pump", std::string(10'000, 'x')));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const Traffic first = driver.transport().traffic();
  CHECK(first.sent > 10'000);
  CHECK(first.sent < 11'000);
  CHECK(first.received > 8);
  CHECK(first.progress != 0);
  driver.connect();
  CHECK(driver.transport().traffic().sent > first.sent);
}

TEST_CASE("mqtt limits: a name that is no name holds nobody up, and nobody is there") {
  TransportDriver driver(to("mqtt://" + std::string(64, 'a') + ".invalid"));
  const Answer why = driver.fail_to_connect();
  CHECK(why.meaning == AnswerClass::link_down);
  CHECK(why.is_unreachable);
  CHECK(why.reason.find("name look-up: ") != std::string::npos);
}

TEST_CASE("mqtt limits: a password is read for each connection, and never shown [P-61]") {
  const TempDir directory;
  REQUIRE(run({"mosquitto_passwd", "-b", "-c", directory.file("passwords"), "joe", "right"}).code ==
          0);
  const Mosquitto broker("password_file " + directory.file("passwords") + "\n");
  MqttOptions options = to(broker.url());
  options.user_name = "joe";
  options.password.file = directory.file("secret");
  TransportDriver driver(options);
  const Answer missing = driver.fail_to_connect();
  CHECK(missing.meaning == AnswerClass::link_down);
  CHECK(missing.reason.find("password: ") != std::string::npos);
  CHECK(missing.reason.find(directory.file("secret")) != std::string::npos);
  write_file(directory.file("secret"), "wrong\n");
  const Answer wrong = driver.fail_to_connect();
  CHECK(wrong.meaning == AnswerClass::credentials);
  CHECK(wrong.reason.find("wrong") == std::string::npos);
  write_file(directory.file("secret"), "right\n");
  driver.connect();
}

}  // namespace edgepost::test
