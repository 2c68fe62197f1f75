#include <doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "edgepost/mqtt.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

using Reply = ScriptedBroker::Reply;

MqttOptions present_at(const std::string& url) {
  MqttOptions options;
  options.url = url;
  options.presence_topic = "{prefix}/{device_id}/presence";
  return options;
}

/// What somebody hears who comes only now.
std::string retained(const Mosquitto& broker, const std::string& topic) {
  return run({"mosquitto_sub", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-t", topic,
              "-C", "1", "-W", "5"})
      .out;
}

}  // namespace

TEST_CASE("mqtt presence: online while we are there, offline after an orderly end") {
  const Mosquitto broker;
  Subscriber subscriber(broker, "edgepost/+/#");
  for (const MqttVersion version : {MqttVersion::v5, MqttVersion::v311}) {
    MqttOptions options = present_at(broker.url());
    options.version = version;
    TransportDriver driver(options);
    driver.connect();
    CHECK(subscriber.next() == "online");
    CHECK(retained(broker, "edgepost/gw-1/presence") == "online\n");
    driver.transport().disconnect();
    CHECK(subscriber.next() == "offline");
    CHECK(retained(broker, "edgepost/gw-1/presence") == "offline\n");
  }
}

TEST_CASE("mqtt presence: a gateway that is killed is offline by its Last Will") {
  const Mosquitto broker;
  Subscriber subscriber(broker, "edgepost/+/#");
  MqttOptions options = present_at(broker.url());
  options.presence_offline = "gone";
  const pid_t child = fork();
  if (child == 0) {
    TransportDriver doomed(options);
    doomed.connect();
    doomed.poll_until([] { return false; });
    _exit(1);
  }
  CHECK(subscriber.next() == "online");
  REQUIRE(kill(child, SIGKILL) == 0);
  REQUIRE(waitpid(child, nullptr, 0) == child);
  CHECK(subscriber.next() == "gone");
  CHECK(retained(broker, "edgepost/gw-1/presence") == "gone\n");
}

TEST_CASE("mqtt presence: a broker that cannot retain gets it without") {
  ScriptedBroker broker([](const std::string& packet) -> Reply {
    constexpr int kWillRetain = 0x20;
    const bool is_connect = packet_type(packet) == kConnect;
    if (is_connect && (body(packet)[7] & kWillRetain) != 0) {
      return {std::string("\x20\x03\x00\x9A\x00", 5), true};
    }
    if (is_connect) return {connack(std::string("\x25\x00", 2))};
    return packet_type(packet) == kPublish ? Reply{puback(packet)} : Reply{};
  });
  TransportDriver driver(present_at(broker.url()));
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const std::vector<std::string> publishes = broker.packets(kPublish);
  REQUIRE(publishes.size() == 2);
  CHECK(publishes[0][0] == '\x32');  // QoS 1, not retained
  CHECK(publishes[0].ends_with("online"));
  CHECK(broker.packets(kConnect).size() == 2);
}

TEST_CASE("mqtt request: a reply goes to who asked for it, in the same conversation") {
  const Mosquitto broker;
  MqttOptions options;
  options.url = broker.url();
  options.subscriptions = {"cmd/gw-1/#"};
  TransportDriver gateway(options);
  options.client_id = "cloud";
  options.subscriptions = {"cloud/answers"};
  TransportDriver cloud(options);
  gateway.connect();
  cloud.connect();
  REQUIRE(gateway.poll_until([&] { return !gateway.calls.empty(); }));
  REQUIRE(cloud.poll_until([&] { return !cloud.calls.empty(); }));

  Event request = published_event("valve/open");
  request.correlation_id = "c-7";
  request.attributes = {{"responsetopic", "cloud/answers"}, {"destination", "cmd/gw-1/valve.7"}};
  cloud.send(1, request);
  REQUIRE(gateway.poll_until([&] { return !gateway.received.empty(); }));
  CHECK(gateway.received[0].event.correlation_id == "c-7");

  Result<Event> reply = make_reply(gateway.received[0].event);
  REQUIRE(reply.is_ok());
  reply->data = "done";
  reply->source = "/gw-1";
  gateway.send(1, *reply);
  REQUIRE(cloud.poll_until([&] { return !cloud.received.empty(); }));
  CHECK(cloud.received[0].event.data == "done");
  CHECK(cloud.received[0].event.correlation_id == "c-7");
  CHECK(cloud.received[0].event.topic == "cloud/answers");
}

TEST_CASE("mqtt request: a requester that knows nothing of edgepost gets its own data back") {
  const Mosquitto broker;
  MqttOptions options;
  options.url = broker.url();
  options.subscriptions = {"cmd/#"};
  TransportDriver driver(options);
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  Process requester({"mosquitto_rr", "-h", "127.0.0.1", "-p", std::to_string(broker.port()), "-V",
                     "5", "-t", "cmd/ask", "-e", "rr/answers", "-m", "how warm?", "-D", "publish",
                     "correlation-data", "42", "-F", "%t %D %p"});
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  Result<Event> reply = make_reply(driver.received[0].event);
  REQUIRE(reply.is_ok());
  reply->data = "21.5";
  driver.send(1, *reply);
  REQUIRE(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  CHECK(requester.line(std::chrono::seconds(10)) == "rr/answers 42 21.5");
}

TEST_CASE("mqtt confirm: only the consumer's own word acknowledges an event [P-05]") {
  const Mosquitto broker;
  MqttOptions options;
  options.url = broker.url();
  options.confirm_topic = "done/{device_id}";
  TransportDriver driver(options);
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.calls.empty(); }));
  const Event event = published_event();
  Event other = event;
  other.id = EventId::parse("0193a3b5-7c00-7000-8000-000000000002").value();
  driver.send(1, event);
  driver.send(2, other);
  for (int i = 0; i < 5; ++i)
    driver.transport().poll(std::chrono::milliseconds(50), driver);
  CHECK(driver.answers.empty());
  REQUIRE(broker.publish("done/gw-1", "0193a3b5-7c00-7000-8000-000000000009\nnonsense"));
  REQUIRE(broker.publish("done/gw-1", other.id.to_string() + "\n" + event.id.to_string()));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::acknowledged);
  CHECK(driver.received.empty());
}

TEST_CASE("mqtt confirm: a refusal is still a refusal") {
  ScriptedBroker broker([](const std::string& packet) -> Reply {
    if (packet_type(packet) == kConnect) return {connack()};
    return packet_type(packet) == kPublish ? Reply{puback(packet, 0x97)} : Reply{suback(packet)};
  });
  MqttOptions options;
  options.url = broker.url();
  options.confirm_topic = "done";
  TransportDriver driver(options);
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::slow_down);
}

}  // namespace edgepost::test
