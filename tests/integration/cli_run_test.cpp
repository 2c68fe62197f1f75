// The daemon: `edgepost run`.
#include <doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <set>

#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"
#include "support/scripted_broker.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

/// A service manager's end of NOTIFY_SOCKET.
class Manager {
 public:
  explicit Manager(const std::string& path) : socket_(socket(AF_UNIX, SOCK_DGRAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    REQUIRE(bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    const timeval patience{.tv_sec = 10, .tv_usec = 0};
    REQUIRE(setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) == 0);
  }
  ~Manager() { close(socket_); }

  /// The next message that begins with `start`; what comes before it is passed over.
  [[nodiscard]] std::string next(std::string_view start) const {
    std::array<char, 512> text;
    for (;;) {
      const ssize_t got = recv(socket_, text.data(), text.size(), 0);
      if (got < 0) return "nothing";
      std::string message(text.data(), static_cast<std::size_t>(got));
      if (message.starts_with(start)) return message;
    }
  }

 private:
  int socket_;
};

struct Running : EdgepostCommand {
  std::string config = dir.file("edgepost.json");
  std::string notify = dir.file("notify");
  std::string log = dir.file("log");
  Manager manager{notify};

  [[nodiscard]] Words words(const Words& more = {}) const {
    Words all{EDGEPOST_COMMAND, "run", "--config", config};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] Streams to_log() const { return {.error = log}; }
  [[nodiscard]] Words environment() const { return {"NOTIFY_SOCKET=" + notify}; }

  /// A store-and-forward bridge: what comes from `from` goes to `to`.
  void write_bridge(const std::string& from, const std::string& to,
                    const std::string& more = {}) const {
    write_file(config, R"({
  "database": ")" + db + R"(", "device_id": "bridge",
  "streams": [{"name": "plant"}],
  "uplinks": [
    {"name": "plant", "inbox": "plant",
     "endpoints": [{"url": ")" +
                           from + R"(", "subscriptions": ["line/#"]}]},
    {"name": "cloud", "streams": ["plant"], "retry": {"initial_delay": "50ms", "max_delay": "1s"},
     "endpoints": [{"url": ")" +
                           to + R"(", "topic_template": "{topic}"}]}]
)" + more + "}\n");
  }
  /// A gateway that stores and sends nothing.
  void write_idle(const std::string& more = {}) const {
    write_file(config, "{\"database\": \"" + db + "\", \"streams\": [{\"name\": \"outbox\"}]" +
                           more + "}\n");
  }
  [[nodiscard]] std::string logged() const { return read_file(log); }
};

TEST_CASE_FIXTURE(Running, "run: a wrong configuration is told completely and touches nothing") {
  write_file(config, R"({
  "database": ")" + db + R"(",
  "streams": [{"name": "out", "max_byts": "1MiB"}],
  "routes": [{"filter": "a/#/b", "stream": "out"}, {"filter": "a", "stream": "nowhere"},
             {"filter": "a", "stream": "out", "every": 10, "interval": "48h"}],
  "uplinks": [
    {"name": "cloud", "streams": ["out", "nowhere"],
     "endpoints": [{"url": "mqtt://host"}]},
    {"name": "Cloud!", "streams": ["out"],
     "endpoints": [{"url": "mqtt://user:canary@host", "password": "canary"}]},
    {"name": "far", "streams": ["out"],
     "endpoints": [{"url": "mqtt://host", "topic_template": "{nonsense}"}]}]
})");
  for (const Words& more : {Words{}, Words{"--check"}}) {
    const Outcome outcome = test::run(words(more));
    INFO(outcome.err);
    CHECK(outcome.code == 2);
    CHECK(outcome.out.empty());
    for (const char* problem :
         {":3: $.streams[0].max_byts: unknown name; is \"max_bytes\" meant?", ":4: $.routes[0]",
          ":4: $.routes[1]: unknown stream 'nowhere'",
          ":5: $.routes[2].interval: must be 0 to 24 h", ":7: $.uplinks[0]",
          ":10: $.uplinks[1].endpoints[0].password: a secret does not stand here",
          ":12: $.uplinks[2].endpoints[0].topic_template"}) {
      INFO(problem);
      CHECK(outcome.err.find(config + problem) != std::string::npos);
    }
    CHECK(outcome.err.find("canary") == std::string::npos);
    CHECK(!std::filesystem::exists(db));
  }
}

TEST_CASE_FIXTURE(Running, "run: --check validates a good configuration and starts nothing") {
  write_bridge("mqtt://127.0.0.1:1", "mqtt://127.0.0.1:1");
  const Outcome outcome = test::run(words({"--check"}));
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "good: 1 streams, 2 uplinks\n");
  CHECK(outcome.code == 0);
  CHECK(!std::filesystem::exists(db));
}

TEST_CASE_FIXTURE(Running, "run: bad usage ends with 2, a database that cannot be opened with 1") {
  CHECK(test::run({EDGEPOST_COMMAND, "run"}).code == 2);
  CHECK(test::run(words()).err.find(config + ":1: $: cannot read " + config) != std::string::npos);
  CHECK(test::run({EDGEPOST_COMMAND, "run", "--config", dir.path()}).code == 2);
  write_idle(", \"metrics_file\": \"" + db + "\"");
  CHECK(test::run(words()).err.find("$.metrics_file: it is the database") != std::string::npos);
  CHECK(run("sync", {"--to", "mqtt://127.0.0.1:1", "--metrics-file", db}).code == 2);
  write_idle();
  write_file(db, std::string(8192, 'x'));
  const Outcome outcome = test::run(words());
  CHECK(outcome.code == 1);
  CHECK(outcome.err.find(db) != std::string::npos);
  CHECK(test::run({EDGEPOST_COMMAND, "run", "--explain"}).out.find("\"database\": TEXT; needed") ==
        0);
}

TEST_CASE_FIXTURE(Running, "run: it needs no room on the disk to validate [P-06]") {
  write_idle();
  Words variables = environment();
  variables.emplace_back("TMPDIR=/proc");  // where nothing can be made
  Process daemon(words(), to_log(), variables);
  CHECK(manager.next("READY=1") == "READY=1");
  daemon.signal(SIGTERM);
  CHECK(daemon.wait() == 0);
}

TEST_CASE_FIXTURE(Running, "run: the examples in packaging are good configurations") {
  const Outcome outcome = test::run(
      {EDGEPOST_COMMAND, "run", "--check", "--config", EDGEPOST_PACKAGING "/edgepost.json"}, {},
      {"EDGEPOST_PASSWORD=canary-password"});
  CHECK(outcome.err.empty());
  CHECK(outcome.code == 0);
}

TEST_CASE_FIXTURE(Running, "run: it tells a service manager how it is") {
  write_idle(", \"stop_patience\": \"1s\"");
  Words variables = environment();
  variables.emplace_back("WATCHDOG_USEC=400000");
  Process daemon(words(), to_log(), variables);
  CHECK(manager.next("READY=1") == "READY=1");
  CHECK(manager.next("STATUS=") == "STATUS=no uplinks");
  CHECK(manager.next("WATCHDOG=1") == "WATCHDOG=1");
  CHECK(manager.next("WATCHDOG=1") == "WATCHDOG=1");
  daemon.signal(SIGHUP);
  const std::string reloading = manager.next("RELOADING=1");
  CHECK(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  CHECK(reloading.size() > std::string("RELOADING=1\nMONOTONIC_USEC=").size());
  CHECK(manager.next("READY=1") == "READY=1");
  daemon.signal(SIGTERM);
  CHECK(manager.next("STOPPING=1") == "STOPPING=1");
  CHECK(daemon.wait() == 0);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(Running, "run: answers are awaited no longer than the watchdog allows") {
  ScriptedBroker broker([](const std::string& packet) {
    return ScriptedBroker::Reply{packet_type(packet) == 1 ? connack() : std::string(), false};
  });
  publish("1\n");
  write_file(config, "{\"database\": \"" + db + R"(", "stop_patience": "1h",
  "streams": [{"name": "outbox"}],
  "uplinks": [{"name": "cloud", "streams": ["outbox"], "breaker": {"trip_after": "1h"},
    "endpoints": [{"url": ")" +
                         broker.url() + "\"}]}]}\n");
  Words variables = environment();
  variables.emplace_back("WATCHDOG_USEC=1000000");
  Process daemon(words(), to_log(), variables);
  CHECK(manager.next("STATUS=cloud online") == "STATUS=cloud online");
  for (int i = 0; i < 2; ++i)  // meanwhile the event has left
    CHECK(manager.next("WATCHDOG=1") == "WATCHDOG=1");
  daemon.signal(SIGHUP);
  CHECK(manager.next("RELOADING=1") != "nothing");
  CHECK(manager.next("READY=1") == "READY=1");
  daemon.signal(SIGTERM);
  CHECK(daemon.wait() == 0);
  CHECK(logged().find("answers to await: 1") != std::string::npos);
}

TEST_CASE_FIXTURE(Running, "run: lines for the journal carry their priority, others the level") {
  write_idle();
  const auto run_with = [&](const std::string& stream) {
    Words variables = environment();
    variables.push_back("JOURNAL_STREAM=" + stream);
    Process daemon(words(), to_log(), variables);
    CHECK(manager.next("READY=1") == "READY=1");
    daemon.signal(SIGINT);
    CHECK(daemon.wait() == 0);
    return logged();
  };
  CHECK(run_with("8:1").starts_with("info run: started: "));
  struct stat file {};
  REQUIRE(stat(log.c_str(), &file) == 0);  // it keeps its inode when it is truncated
  CHECK(run_with(std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino))
            .starts_with("<6>run: started: "));
}

TEST_CASE_FIXTURE(Running, "run: it bridges two brokers through an outage [P-01] [P-30]") {
  const Mosquitto plant;
  Mosquitto cloud;
  Subscriber subscriber(cloud, "line/#", {"-t", "edgepost/test"});
  write_bridge(plant.url(), cloud.url(), ", \"metrics_file\": \"" + dir.file("metrics") + "\"");
  Process daemon(words(), to_log(), environment());
  CHECK(manager.next("STATUS=plant online, cloud online") == "STATUS=plant online, cloud online");
  REQUIRE(plant.publish("line/1", "1"));
  CHECK(subscriber.next() == "1");
  cloud.stop();
  for (int i = 2; i <= 10; ++i)
    REQUIRE(plant.publish("line/1", std::to_string(i)));
  cloud.start();
  std::set<std::string> received;
  for (int i = 2; i <= 10; ++i)
    received.insert(subscriber.next().value_or("nothing"));
  INFO(logged());
  CHECK(received.size() == 9);
  daemon.signal(SIGTERM);
  CHECK(daemon.wait() == 0);
  CHECK(read_file(dir.file("metrics")).find("edgepost_") != std::string::npos);
  CHECK(number_in(run("status", {"--json"}).out, "lag") == 0);
  CHECK(is_sound());
}

TEST_CASE_FIXTURE(Running, "run: a bad file on SIGHUP changes nothing, a good one takes over") {
  const Mosquitto plant;
  const Mosquitto first;
  const Mosquitto second;
  Subscriber at_first(first, "line/#", {"-t", "edgepost/test"});
  Subscriber at_second(second, "line/#", {"-t", "edgepost/test"});
  write_bridge(plant.url(), first.url());
  Process daemon(words(), to_log(), environment());
  CHECK(manager.next("STATUS=plant online, cloud online") != "nothing");
  write_file(config, "{\n\"database\": 5,\n\"colour\": \"red\"}");
  daemon.signal(SIGHUP);
  CHECK(manager.next("RELOADING=1") != "nothing");
  CHECK(manager.next("READY=1") != "nothing");
  CHECK(logged().find(config + ":2: $.database: a text is wanted") != std::string::npos);
  CHECK(logged().find(config + ":3: $.colour: unknown name") != std::string::npos);
  REQUIRE(plant.publish("line/1", "one"));
  CHECK(at_first.next() == "one");
  write_bridge(plant.url(), second.url());
  daemon.signal(SIGHUP);
  CHECK(manager.next("RELOADING=1") != "nothing");
  REQUIRE(plant.publish("line/1", "two"));  // the broker keeps it, or the old gateway sends it
  CHECK(manager.next("READY=1") != "nothing");
  REQUIRE(plant.publish("line/1", "three"));
  const std::string next = at_second.next().value_or("nothing");
  CHECK((next == "two" ? at_second.next() : next) == "three");
  CHECK((next == "two" ? next : at_first.next()) == "two");
  daemon.signal(SIGTERM);
  CHECK(daemon.wait() == 0);
  CHECK(number_in(run("status", {"--json"}).out, "incarnation") == 2);
}

TEST_CASE_FIXTURE(Running, "run: what the file asks for and cannot be had leads back to before") {
  write_idle();
  Process daemon(words(), to_log(), environment());
  CHECK(manager.next("READY=1") == "READY=1");
  write_file(config, "{\"database\": \"/not/there/gateway.db\"}");
  daemon.signal(SIGHUP);
  CHECK(manager.next("READY=1") == "READY=1");
  CHECK(logged().find("/not/there/gateway.db") != std::string::npos);
  CHECK(logged().find("back to the configuration before") != std::string::npos);
  CHECK(number_in(run("status", {"--json"}).out, "owner_pid") ==
        static_cast<std::uint64_t>(daemon.pid()));
  daemon.signal(SIGTERM);
  CHECK(daemon.wait() == 0);
}

}  // namespace
}  // namespace edgepost::test
