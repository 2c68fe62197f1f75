#include <doctest.h>

#include <string>

#include "edgepost/mqtt.hpp"
#include "support/mosquitto.hpp"
#include "support/transport_driver.hpp"

namespace edgepost::test {
namespace {

MqttOptions to(const Mosquitto& broker) {
  MqttOptions options;
  options.url = broker.url();
  return options;
}

/// Receives everything that arrives, also what arrives while the broker is away.
class Witness {
 public:
  explicit Witness(const Mosquitto& broker) {
    Words words{"mosquitto_sub",
                "-h",
                "127.0.0.1",
                "-p",
                std::to_string(broker.port()),
                "-V",
                "5",
                "-x",
                "600",
                "-c",
                "-i",
                "witness",
                "-q",
                "1",
                "-t",
                "edgepost/#",
                "-F",
                "%t|%C|%E|%P|%p"};
    Words first = words;
    first.emplace_back("-E");  // returns when the subscription stands
    REQUIRE(run(first).code == 0);
    process_ = std::make_unique<Process>(words);
  }

  /// The next message: topic|content type|expiry|user properties|payload.
  std::string next() { return process_->line(std::chrono::seconds(10)).value_or("(nothing)"); }

 private:
  std::unique_ptr<Process> process_;
};

std::string lines(const Words& words) {
  std::string text;
  for (const std::string& word : words)
    text.append(word).append("\n");
  return text;
}

/// A broker that wants a password and lets joe write under `edgepost/gw-1/open` alone.
struct GuardedBroker {
  GuardedBroker() {
    write_file(directory.file("acl"), "user joe\ntopic edgepost/gw-1/open/#\n");
    REQUIRE(
        run({"mosquitto_passwd", "-b", "-c", directory.file("passwords"), "joe", "right"}).code ==
        0);
    // Where it is 0, no limit, mosquitto 2.0.11 hangs up on a client whose publish it refused.
    broker = std::make_unique<Mosquitto>(
        lines({"max_queued_messages 1000", "password_file " + directory.file("passwords"),
               "acl_file " + directory.file("acl")}));
  }
  MqttOptions with_password(const std::string& password,
                            MqttVersion version = MqttVersion::automatic) {
    MqttOptions options = to(*broker);
    options.user_name = "joe";
    options.password.value = password;
    options.version = version;
    return options;
  }
  TempDir directory;
  std::unique_ptr<Mosquitto> broker;
};

}  // namespace

TEST_CASE("mqtt transport: an event is acknowledged and arrives with its attributes under v5") {
  const Mosquitto broker;
  Witness witness(broker);
  TransportDriver driver(to(broker));
  Event event = published_event();
  event.expires_after = std::chrono::minutes(1);
  event.attributes = {{"unit", "C"}};
  driver.connect();
  driver.send(7, event);
  CHECK(driver.wait_for_answer(7).meaning == AnswerClass::acknowledged);
  std::string message = witness.next();
  // The broker counts the time to live in whole seconds, one of which may just end.
  if (const auto at = message.find("|59|"); at != std::string::npos) message.replace(at, 4, "|60|");
  CHECK(message ==
        "edgepost/gw-1/plant/pump|text/plain|60|specversion:1.0 "
        "id:0193a3b5-7c00-7000-8000-000000000001 source:/gw-1 type:com.example.reading "
        "subject:plant/pump sequence:42 unit:C|21.5");
}

TEST_CASE("mqtt transport: structured mode sends one JSON object, under v5 with its content type") {
  const Mosquitto broker;
  Witness witness(broker);
  MqttOptions options = to(broker);
  options.mode = MqttMode::structured;
  TransportDriver driver(options);
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  CHECK(witness.next() ==
        R"(edgepost/gw-1/plant/pump|application/cloudevents+json; charset=utf-8|||)"
        R"({"specversion":"1.0","id":"0193a3b5-7c00-7000-8000-000000000001","source":"/gw-1",)"
        R"("type":"com.example.reading","subject":"plant/pump","sequence":"42",)"
        R"("datacontenttype":"text/plain","data":"21.5"})");
}

TEST_CASE("mqtt transport: version 3.1.1 can be asked for and sends JSON") {
  const Mosquitto broker;
  Witness witness(broker);
  MqttOptions options = to(broker);
  options.version = MqttVersion::v311;
  TransportDriver driver(options);
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  CHECK(witness.next().starts_with("edgepost/gw-1/plant/pump||||{\"specversion\":\"1.0\""));
}

TEST_CASE("mqtt transport: many events at once are each answered once") {
  const Mosquitto broker(lines({"max_inflight_messages 30"}));
  TransportDriver driver(to(broker));
  driver.connect();
  CHECK(driver.accepted.back().in_flight_max == 30);
  const std::vector<Event> events(30, published_event("plant/pump", std::string(10'000, 'x')));
  std::vector<Outbound> batch;
  for (std::uint64_t i = 0; i < events.size(); ++i)
    batch.push_back({i + 1, &events[i]});
  REQUIRE(driver.transport().send(batch).is_ok());
  REQUIRE(driver.poll_until([&] { return driver.answers.size() == events.size(); }));
  for (const auto& [token, answers] : driver.answers)
    CHECK(answers.size() == 1);
}

TEST_CASE("mqtt transport: a unix socket is as good as a port") {
  const TempDir directory;
  const std::string path = directory.file("socket");
  const Mosquitto broker(lines({"listener 0 " + path}));
  MqttOptions options;
  options.url = "mqtt+unix:" + path;
  TransportDriver driver(options);
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  CHECK(driver.transport().address() == "mqtt+unix:" + path);
}

TEST_CASE("mqtt transport: a broker that is not there is a link that is down") {
  Mosquitto broker;
  broker.stop();
  TransportDriver driver(to(broker));
  const Answer why = driver.fail_to_connect();
  CHECK(why.meaning == AnswerClass::link_down);
  CHECK(why.reason == broker.url() + ": connect to 127.0.0.1: Connection refused");
  broker.start();
  driver.connect();
}

TEST_CASE("mqtt transport: a wrong password is a matter of credentials and not shown [P-61]") {
  GuardedBroker guarded;
  for (const MqttVersion version : {MqttVersion::automatic, MqttVersion::v311}) {
    TransportDriver driver(guarded.with_password("wrong", version));
    const Answer why = driver.fail_to_connect();
    CHECK(why.meaning == AnswerClass::credentials);
    CHECK(why.reason.find("connection refused: not authorized") != std::string::npos);
    CHECK(why.reason.find("wrong") == std::string::npos);
  }
}

TEST_CASE("mqtt transport: a topic that is not permitted is refused by name under v5") {
  GuardedBroker guarded;
  TransportDriver driver(guarded.with_password("right"));
  driver.connect();
  driver.send(1, published_event("secret"));
  driver.send(2, published_event("open"));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::configuration);
  CHECK(driver.wait_for_answer(1).reason == "publish refused: not authorized (135)");
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::acknowledged);
}

TEST_CASE("mqtt transport: an event larger than the broker's packets is refused, others pass") {
  const Mosquitto broker(lines({"max_packet_size 2000"}));
  TransportDriver driver(to(broker));
  driver.connect();
  CHECK(driver.accepted.back().message_bytes_max == 2000);
  // The first tells how much the packet adds to 2,000 bytes of data.
  driver.send(1, published_event("plant/pump", std::string(2'000, 'x')));
  const std::string reason = driver.wait_for_answer(1).reason;
  const std::size_t most = 2'000 - (std::stoul(reason) - 2'000);
  driver.send(2, published_event("plant/pump", std::string(most, 'x')));
  driver.send(3, published_event("plant/pump", std::string(most + 1, 'x')));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::too_large);
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::acknowledged);
  CHECK(driver.wait_for_answer(3).meaning == AnswerClass::too_large);
  CHECK(driver.wait_for_answer(3).reason == "2001 bytes, the broker takes 2000");
  CHECK(driver.ends.empty());
}

TEST_CASE("mqtt transport: an event that no topic can carry is suspect, others pass") {
  const Mosquitto broker;
  MqttOptions options = to(broker);
  options.topic_template = "{prefix}/{key}";
  TransportDriver driver(options);
  driver.connect();
  Event event = published_event();
  event.key = "a+b";
  driver.send(1, event);
  event.key = "a\x01";
  driver.send(2, event);
  event.key = "a";
  driver.send(3, event);
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::suspect);
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::suspect);
  CHECK(driver.wait_for_answer(3).meaning == AnswerClass::acknowledged);
}

TEST_CASE("mqtt transport: a broker killed in mid-flight answers nothing twice [P-12]") {
  Mosquitto broker;
  TransportDriver driver(to(broker));
  driver.connect();
  const std::vector<Event> events(60, published_event());
  for (std::uint64_t i = 0; i < 30; ++i)
    driver.send(i, events[i]);
  REQUIRE(driver.poll_until([&] { return !driver.answers.empty(); }));
  for (std::uint64_t i = 30; i < 60; ++i)
    driver.send(i, events[i]);
  broker.kill_hard();
  CHECK(driver.wait_for_end().meaning == AnswerClass::link_down);
  const std::size_t answered = driver.answers.size();
  driver.transport().poll(Duration(0), driver);
  CHECK(driver.answers.size() == answered);
  broker.start();
  driver.connect();
  for (std::uint64_t i = 0; i < 60; ++i) {
    if (!driver.answers.contains(i)) driver.send(i, events[i]);
  }
  REQUIRE(driver.poll_until([&] { return driver.answers.size() == events.size(); }));
  for (const auto& [token, answers] : driver.answers)
    CHECK(answers.size() == 1);
}

TEST_CASE("mqtt transport: a second client of the same id throws the first out") {
  const Mosquitto broker;
  TransportDriver first(to(broker));
  TransportDriver second(to(broker));
  first.connect();
  second.connect();
  const Answer why = first.wait_for_end();
  CHECK(why.meaning == AnswerClass::link_down);
  CHECK(why.reason.starts_with(broker.url() + ": "));
  second.send(1, published_event());
  CHECK(second.wait_for_answer(1).meaning == AnswerClass::acknowledged);
}

TEST_CASE("mqtt transport: after an orderly end nothing is heard and nothing can be sent") {
  const Mosquitto broker;
  TransportDriver driver(to(broker));
  driver.connect();
  const Event event = published_event();
  driver.send(1, event);
  driver.send(2, published_event("a+b"));  // answered by the transport itself
  driver.transport().disconnect();
  driver.transport().poll(Duration(0), driver);
  CHECK(driver.answers.empty());
  CHECK(driver.ends.empty());
  const Outbound outbound{3, &event};
  CHECK(driver.transport().send({&outbound, 1}).code() == Code::unavailable);
  driver.connect();
  driver.send(4, event);
  CHECK(driver.wait_for_answer(4).meaning == AnswerClass::acknowledged);
}

}  // namespace edgepost::test
