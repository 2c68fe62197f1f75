// What the edgepost command does when all is well.
#include <doctest.h>
#include <signal.h>

#include <set>

#include "edgepost/gateway.hpp"
#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

std::string numbers(int from, int to) {
  std::string lines;
  for (int i = from; i <= to; ++i)
    lines += std::to_string(i) + "\n";
  return lines;
}

std::vector<std::string> data_of(const std::vector<Event>& events) {
  std::vector<std::string> data;
  for (const Event& event : events)
    data.push_back(event.data);
  return data;
}

TEST_CASE_FIXTURE(EdgepostCommand, "edgepost: help and version go to standard output") {
  const Outcome version = test::run({EDGEPOST_COMMAND, "--version"});
  CHECK(version.code == 0);
  CHECK(version.out == "edgepost " EDGEPOST_VERSION "\n");
  const Outcome overview = test::run({EDGEPOST_COMMAND, "--help"});
  CHECK(overview.code == 0);
  for (const char* word :
       {"publish", "sync", "status", "tail", "export", "import", "verify", "shrink"}) {
    INFO(word);
    CHECK(overview.out.find(std::string("\n  ") + word) != std::string::npos);
    const Outcome help = test::run({EDGEPOST_COMMAND, word, "--help"});
    CHECK(help.code == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("--db FILE") != std::string::npos);
    CHECK(test::run({EDGEPOST_COMMAND, word, "-h"}).out == help.out);
  }
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: every line is an event, in order, with its own id") {
  const Outcome outcome = run("publish",
                              {"--topic", "sensor/1", "--key=k", "--type", "reading", "--ttl", "1h",
                               "--content-type", "text/plain", "--source", "/me", "--json"},
                              "one\n\nthree");
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "{\"published\":3,\"first\":1,\"last\":3}\n");
  const std::vector<Event> stored = events();
  CHECK(data_of(stored) == std::vector<std::string>{"one", "", "three"});
  CHECK(stored.front().topic == "sensor/1");
  CHECK(stored.front().key == "k");
  CHECK(stored.front().type == "reading");
  CHECK(stored.front().content_type == "text/plain");
  CHECK(stored.front().source == "/me");
  CHECK(stored.front().expires_after == Duration(1h));
  CHECK(stored[0].id != stored[2].id);
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: a commit is told at once and comes every N lines") {
  const Outcome outcome =
      run("publish", {"--topic", "t", "--batch", "4", "--progress-lines"}, numbers(1, 10));
  CHECK(outcome.out == "{\"last\":4}\n{\"last\":8}\n{\"last\":10}\n");
  const Outcome more = run("publish", {"--topic", "t", "--progress-lines", "--json"}, "x\n");
  CHECK(more.out == "{\"last\":11}\n{\"published\":1,\"first\":11,\"last\":11}\n");
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: what came before a pause is stored in the pause") {
  for (const std::string durability : {"stored", "buffered"}) {
    Process publisher(words("publish", {"--topic", "t", "--progress-lines", "--stream", durability,
                                        "--create-stream", "--durability", durability}),
                      {.has_input_pipe = true});
    publisher.write("one\ntwo\nunfini");
    CHECK(publisher.line(kPatience) == "{\"last\":2}");
    CHECK(data_of(events({"--stream", durability})) == std::vector<std::string>{"one", "two"});
    publisher.write("shed");
    publisher.end_input();
    CHECK(publisher.line(kPatience) == "{\"last\":3}");
    CHECK(publisher.wait() == 0);
    CHECK(events({"--stream", durability}).back().data == "unfinished");
  }
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: JSON lines carry what an event has") {
  const Outcome outcome =
      run("publish", {"--jsonl", "--type", "standard", "--json"},
          "{\"topic\":\"a/b\",\"key\":\"k\",\"data\":{\"x\":1.50},\"ttl_ms\":500}\n"
          "{\"topic\":\"c\",\"type\":\"own\",\"data\":\"text\",\"colour\":\"red\"}\n");
  CHECK(outcome.err.empty());
  CHECK(outcome.code == 0);
  const std::vector<Event> stored = events();
  REQUIRE(stored.size() == 2);
  CHECK(stored[0].topic == "a/b");
  CHECK(stored[0].data == "{\"x\":1.50}");
  CHECK(stored[0].content_type == "application/json");
  CHECK(stored[0].type == "standard");
  CHECK(stored[0].expires_after == Duration(500ms));
  CHECK(stored[1].type == "own");
  CHECK(stored[1].attributes == std::vector<Attribute>{{"colour", "red"}});
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: a delay is stored, and never travels") {
  const std::string lines =
      "{\"topic\":\"a\",\"not_before_ms\":500,\"data\":1}\n{\"topic\":\"b\",\"data\":2}\n";
  CHECK(run("publish", {"--jsonl", "--not-before", "5m"}, lines).code == 0);
  const auto gateway = Gateway::open({.database = db, .access = Access::read});
  REQUIRE(gateway.is_ok());
  const auto stored = (*gateway)->read("outbox", Position::start());
  REQUIRE(stored.is_ok());
  REQUIRE(stored->size() == 2);
  CHECK((*stored)[0].not_before == Duration(500ms));
  CHECK((*stored)[1].not_before == Duration(5min));
  CHECK(run("tail").out.find("not") == std::string::npos);
}

TEST_CASE_FIXTURE(EdgepostCommand, "publish: a file is one event, up to the limit") {
  const std::string file = dir.file("photo");
  write_file(file, std::string(256 * 1024, 'x'));
  CHECK(run("publish", {"--topic", "photo", "--file", file}).code == 0);
  CHECK(events().front().data.size() == 256 * 1024);
  write_file(file, std::string(256 * 1024 + 1, 'x'));
  const Outcome refused = run("publish", {"--topic", "photo", "--file", file});
  CHECK(refused.code == 1);
  CHECK(refused.err.find(file) != std::string::npos);
  CHECK(events().size() == 1);
}

TEST_CASE_FIXTURE(EdgepostCommand, "edgepost: the database may come from the environment") {
  const Outcome outcome =
      test::run({EDGEPOST_COMMAND, "publish", "--topic", "t"}, "one\n", {"EDGEPOST_DB=" + db});
  CHECK(outcome.out == "published 1 events, sequences 1 to 1\n");
  CHECK(events().size() == 1);
}

TEST_CASE_FIXTURE(EdgepostCommand, "tail: it starts and stops where it is told") {
  publish(numbers(1, 2'500));
  CHECK(events().size() == 2'500);
  CHECK(data_of(events({"--from", "2499"})) == std::vector<std::string>{"2499", "2500"});
  CHECK(data_of(events({"--from", "7", "--count", "2"})) == std::vector<std::string>{"7", "8"});
  CHECK(events({"--from", "2501"}).empty());
}

TEST_CASE_FIXTURE(EdgepostCommand, "edgepost: looking works beside the gateway that owns it") {
  Process publisher(words("publish", {"--topic", "t", "--progress-lines"}),
                    {.has_input_pipe = true});
  publisher.write("one\n");
  REQUIRE(publisher.line(kPatience) == "{\"last\":1}");
  Process follower(words("tail", {"--follow"}));
  const auto first = follower.line(kPatience);
  REQUIRE(first);
  CHECK(wire::parse_event(*first)->data == "one");
  publisher.write("two\n");
  const auto second = follower.line(kPatience);
  REQUIRE(second);
  CHECK(wire::parse_event(*second)->data == "two");

  const Outcome status = run("status", {"--json"});
  CHECK(number_in(status.out, "owner_pid") == static_cast<std::uint64_t>(publisher.pid()));
  CHECK(number_in(status.out, "published") == 2);
  CHECK(is_sound());
  follower.signal(SIGTERM);
  CHECK(follower.wait() == 0);
  publisher.end_input();
  CHECK(publisher.wait() == 0);
  CHECK(run("status", {"--json"}).out.find("\"owner_pid\":null") != std::string::npos);
}

TEST_CASE_FIXTURE(EdgepostCommand, "sync: it drains every stream and says what it did") {
  publish(numbers(1, 300));
  publish("other\n", {"--stream", "second", "--create-stream"});
  const Mosquitto broker;
  Subscriber subscriber(broker);
  const Outcome outcome = run("sync", {"--to", broker.url(), "--until-empty", "--json"});
  INFO(outcome.err);
  CHECK(outcome.code == 0);
  CHECK(outcome.out == "{\"acknowledged\":301,\"sent\":301,\"lag\":0,\"dead\":0}\n");
  std::set<std::string> received;
  for (int i = 0; i < 301; ++i)
    received.insert(subscriber.next().value_or("nothing"));
  CHECK(received.size() == 301);
  CHECK(received.contains("other"));
  const std::string status = run("status", {"--json"}).out;
  CHECK(status.find("{\"name\":\"uplink\",\"floor\":300,\"lag\":0}") != std::string::npos);
  const Outcome again = run("sync", {"--to", broker.url(), "--until-empty"});
  CHECK(again.out == "acknowledged 0 events, sent 0, lag 0\n");
}

TEST_CASE_FIXTURE(EdgepostCommand, "sync: it waits for a broker that is away [P-01] [P-30]") {
  publish(numbers(1, 10));
  Mosquitto broker;
  Subscriber subscriber(broker);
  broker.stop();
  Process sync(words("sync", {"--to", broker.url(), "--until-empty", "--json"}),
               {.error = dir.file("err")});
  CHECK(!sync.line(500ms));
  broker.start();
  CHECK(sync.line(kPatience) == "{\"acknowledged\":10,\"sent\":10,\"lag\":0,\"dead\":0}");
  CHECK(sync.wait() == 0);
  CHECK(read_file(dir.file("err")).find("trying again") != std::string::npos);
  for (int i = 1; i <= 10; ++i)
    CHECK(subscriber.next() == std::to_string(i));
}

TEST_CASE_FIXTURE(EdgepostCommand,
                  "sync: an event that the broker finds too large stops no other") {
  publish(numbers(1, 3));
  publish(std::string(5'000, 'x') + "\n");
  publish(numbers(5, 9));
  Mosquitto broker("message_size_limit 2000\n");
  Subscriber subscriber(broker);
  const Words options{"--to", broker.url(), "--until-empty", "--json", "--retry-max", "200ms"};
  Process sync(words("sync", options), {.error = dir.file("err")});
  std::set<std::string> arrived;
  while (arrived.size() < 8) {
    const auto line = subscriber.next(kPatience);
    INFO(read_file(dir.file("err")));
    REQUIRE(line.has_value());
    arrived.insert(*line);
  }
  const std::string result = sync.line(kPatience).value_or("");
  CHECK(number_in(result, "acknowledged") == 8);
  CHECK(number_in(result, "dead") == 1);
  CHECK(sync.wait() == 1);
  CHECK(arrived == std::set<std::string>{"1", "2", "3", "5", "6", "7", "8", "9"});
  CHECK(run("dead", {"list", "--groups"}).out.find("too_large") != std::string::npos);
}

TEST_CASE_FIXTURE(EdgepostCommand,
                  "sync: it gives up in time when told to, and stops on a signal") {
  publish(numbers(1, 10));
  Mosquitto broker;
  const std::string url = broker.url();
  broker.stop();
  const Outcome late = run("sync", {"--to", url, "--until-empty", "--timeout", "300ms"});
  CHECK(late.code == 1);
  CHECK(late.err.find("10 of 10 events are left") != std::string::npos);
  Process sync(words("sync", {"--to", url, "--json"}), {.error = dir.file("err")});
  CHECK(!sync.line(300ms));
  sync.signal(SIGTERM);
  CHECK(sync.line(kPatience) == "{\"acknowledged\":0,\"sent\":0,\"lag\":10,\"dead\":0}");
  CHECK(sync.wait() == 0);
}

TEST_CASE_FIXTURE(EdgepostCommand,
                  "sync: refused credentials end it with the reason, and nothing is lost [P-14]") {
  publish(numbers(1, 10));
  const std::string passwords = dir.file("passwords");
  write_file(dir.file("right"), "secret\n");
  write_file(dir.file("wrong"), "other\n");
  REQUIRE(test::run({"mosquitto_passwd", "-b", "-c", passwords, "gateway", "secret"}).code == 0);
  const Mosquitto broker("allow_anonymous false\npassword_file " + passwords + "\n");
  const auto sync = [&](const std::string& file) {
    return run("sync", {"--to", broker.url(), "--until-empty", "--user", "gateway",
                        "--password-file", dir.file(file), "--json"});
  };
  const Outcome refused = sync("wrong");
  CHECK(refused.code == 1);
  CHECK(refused.out == "{\"acknowledged\":0,\"sent\":0,\"lag\":10,\"dead\":0}\n");
  CHECK(refused.err.find("refused") != std::string::npos);
  CHECK(refused.err.find("other") == std::string::npos);
  CHECK(sync("right").out == "{\"acknowledged\":10,\"sent\":10,\"lag\":0,\"dead\":0}\n");
}

TEST_CASE_FIXTURE(EdgepostCommand, "status and verify: people get a table and a sentence") {
  publish(numbers(1, 3));
  const std::string status = run("status").out;
  CHECK(status.find("owner     nobody\nopened    1 times\n") != std::string::npos);
  CHECK(status.find("\nSTREAM  FIRST  NEXT  PUBLISHED  ACKNOWLEDGED  PENDING  EXPIRED  DROPPED  "
                    "DEAD\noutbox      1     4          3             0        3        0        "
                    "0     0\n") != std::string::npos);
  publish("4\n");  // looking does not count as opening
  CHECK(number_in(run("status", {"--json"}).out, "incarnation") == 2);
  CHECK(run("verify").out == "sound: 4 events checked\n");
  CHECK(run("verify", {"--json"}).out ==
        "{\"sound\":true,\"events\":4,\"lost\":0,\"problems\":[]}\n");
}

}  // namespace
}  // namespace edgepost::test
