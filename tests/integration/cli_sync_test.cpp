// What `edgepost sync` does beyond draining to one broker.
#include <doctest.h>
#include <signal.h>

#include <filesystem>

#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"
#include "wire/json.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

struct Sync : EdgepostCommand {
  /// Checks that the options are refused with `code` and a message that begins with `option`.
  void expect(int code, const std::string& option, const Words& options) const {
    Words all = options;
    all.insert(all.end(), {"--timeout", "1s"});
    const Outcome outcome = run("sync", all);
    CAPTURE(outcome.err);
    CAPTURE(option);
    CHECK(outcome.code == code);
    CHECK(outcome.err.starts_with("edgepost: option --" + option));
    CHECK(outcome.err.find("canary") == std::string::npos);
    CHECK(!std::filesystem::exists(db));
  }

  /// Lets the broker know the subscription, which it keeps; what that takes says "ready".
  void subscribe(const Mosquitto& broker) const {
    Process sync(words("sync", {"--to", broker.url(), "--subscribe", "in/#"}),
                 {.error = dir.file("err")});
    for (int attempt = 0; attempt < 100; ++attempt) {
      REQUIRE(broker.publish("in/x", "ready"));
      if (sync.line(100ms)) break;
    }
    sync.signal(SIGTERM);
    CHECK(sync.wait() == 0);
  }

  /// What `edgepost sync --subscribe` prints until it has printed `count` lines.
  [[nodiscard]] Words received(const Mosquitto& broker, std::size_t count) const {
    Process sync(words("sync", {"--to", broker.url(), "--subscribe", "in/#"}),
                 {.error = dir.file("err")});
    Words data;
    while (data.size() < count) {
      const auto line = sync.line(kPatience);
      if (!line) break;
      std::string text = wire::parse_event(*line)->data;
      if (text != "ready") data.push_back(std::move(text));
    }
    sync.signal(SIGTERM);
    CHECK(sync.wait() == 0);
    return data;
  }
};

TEST_CASE_FIXTURE(Sync, "sync: bad options are refused by name before anything is touched") {
  const std::string mqtt = "mqtt://127.0.0.1:1";
  const std::string mqtts = "mqtts://127.0.0.1:1";
  const std::string https = "https://127.0.0.1:1/";
  write_file(dir.file("secret"), "canary-secret-of-some-length\n");
  write_file(dir.file("psk"), "canary-without-a-colon\n");
  write_file(dir.file("bad.json"), "{\"token_url\": \"https://h/\",\n\"client_id\": 5}");
  const std::string secret = dir.file("secret");
  expect(2, "to: ", {"--to", "amqp://host"});
  expect(2, "rate: ", {"--to", mqtt, "--rate", "5/s", "--rate", "6/s"});
  expect(2, "rate: '5'", {"--to", mqtt, "--rate", "5"});
  expect(2, "bytes-per-day: ", {"--to", mqtt, "--bytes-per-day", "much"});
  expect(2, "mode: ", {"--to", mqtt, "--mode", "batch"});
  expect(2, "gzip: no --to is", {"--to", mqtt, "--gzip"});
  expect(2, "insecure: no --to is", {"--to", mqtt, "--insecure"});
  expect(2, "subscribe: no --to is", {"--to", https, "--subscribe", "a"});
  expect(2, "ca: no --to is", {"--to", mqtt, "--ca", secret});
  expect(2, "user: ", {"--to", https, "--user", "u"});
  expect(2, "user: ", {"--to", https, "--token-file", secret, "--hmac-key-file", secret});
  expect(2, "psk: not with", {"--to", mqtts, "--psk", "a:00", "--psk-file", dir.file("psk")});
  expect(2, "psk-file: it is not ID:HEX", {"--to", mqtts, "--psk-file", dir.file("psk")});
  expect(2, "psk: what is behind", {"--to", mqtts, "--psk", "id:canary"});
  expect(1, "password-file: ", {"--to", mqtt, "--user", "u", "--password-file", "/not/there"});
  expect(1, "token-file: ", {"--to", https, "--token-file", "/not/there"});
  expect(2, "oauth2: ", {"--to", https, "--oauth2", dir.file("bad.json")});
  expect(2, "oauth2: ", {"--to", https, "--oauth2", "/not/there"});
  expect(2, "subscribe: ", {"--to", mqtt, "--subscribe", "a/#/b"});
  expect(2, "consumer: ", {"--to", mqtt, "--consumer", "No!"});
}

TEST_CASE_FIXTURE(Sync, "sync: where one upstream is away the next one gets the events") {
  publish("1\n2\n3\n");
  Mosquitto away;
  const std::string gone = away.url();
  away.stop();
  const Mosquitto broker;
  Subscriber subscriber(broker);
  const Outcome outcome =
      run("sync", {"--to", gone, "--to", broker.url(), "--until-empty", "--json"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(number_in(outcome.out, "acknowledged") == 3);
  CHECK(subscriber.next() == "1");
}

TEST_CASE_FIXTURE(Sync, "sync: an encrypted upstream and a plain broker go together") {
  const Mosquitto broker;
  publish("1\n2\n");
  const Outcome outcome = run("sync", {"--to", "https://127.0.0.1:1/", "--to", broker.url(),
                                       "--until-empty", "--timeout", "30s"});
  CAPTURE(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.out.starts_with("acknowledged 2 events"));
}

TEST_CASE_FIXTURE(Sync, "sync: only the streams named are drained, as the consumer named") {
  publish("1\n");
  publish("2\n", {"--stream", "second", "--create-stream"});
  const Mosquitto broker;
  CHECK(run("sync", {"--to", broker.url(), "--stream", "nope"}).err.find("option --stream: ") !=
        std::string::npos);
  const Outcome outcome = run(
      "sync", {"--to", broker.url(), "--until-empty", "--stream", "second", "--consumer", "cloud"});
  CHECK(outcome.out == "acknowledged 1 events, sent 1, lag 0\n");
  const std::string status = run("status", {"--json"}).out;
  CHECK(status.find("{\"name\":\"cloud\",\"floor\":1,\"lag\":0}") != std::string::npos);
  CHECK(status.find("\"name\":\"uplink\"") == std::string::npos);
}

TEST_CASE_FIXTURE(Sync,
                  "sync: what comes in is printed once, and a broken pipe loses none [P-01]") {
  const Mosquitto broker;
  subscribe(broker);
  for (const char* data : {"1", "2", "3"})
    REQUIRE(broker.publish("in/x", data));
  Words broken{"sh", "-c", "\"$0\" \"$@\" | true"};
  const Words command =
      words("sync", {"--to", broker.url(), "--subscribe", "in/#", "--timeout", "10s"});
  broken.insert(broken.end(), command.begin(), command.end());
  const Outcome outcome = test::run(broken);
  CHECK(outcome.err.find("cannot write standard output") != std::string::npos);
  CHECK(events({"--stream", "inbox"}).size() >= 3);
  CHECK(received(broker, 3) == Words{"1", "2", "3"});
  REQUIRE(broker.publish("in/x", "4"));
  CHECK(received(broker, 1) == Words{"4"});
}

TEST_CASE_FIXTURE(Sync, "sync: what has come in does not go out again") {
  const Mosquitto broker;
  Subscriber subscriber(broker, "edgepost/#");
  publish("out\n");
  publish("in\n", {"--stream", "inbox", "--create-stream"});
  CHECK(run("sync", {"--to", broker.url(), "--until-empty"}).out ==
        "acknowledged 1 events, sent 1, lag 0\n");
  CHECK(subscriber.next() == "out");
}

TEST_CASE_FIXTURE(Sync, "sync: calls and figures are told on request, without secrets [P-61]") {
  publish("1\n2\n");
  write_file(dir.file("password"), "canary-password\n");
  const Mosquitto broker;
  const Outcome outcome = run(
      "sync", {"--to", broker.url(), "--until-empty", "--audit", "--metrics-file",
               dir.file("metrics"), "--user", "someone", "--password-file", dir.file("password")});
  CHECK(outcome.code == 0);
  const Words lines = lines_of(outcome.err);
  REQUIRE(!lines.empty());
  for (const std::string& line : lines)
    CHECK_MESSAGE(wire::is_json(line), line);
  CHECK(outcome.err.find("\"what\":\"connect\",\"outcome\":\"ok\"") != std::string::npos);
  const std::string metrics = read_file(dir.file("metrics"));
  CHECK(metrics.find("edgepost_") != std::string::npos);
  CHECK((outcome.out + outcome.err + metrics).find("canary") == std::string::npos);
}

}  // namespace
}  // namespace edgepost::test
