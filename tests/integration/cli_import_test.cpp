// Out of one database and into another.
#include <doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <memory>
#include <utility>

#include "edgepost/gateway.hpp"
#include "support/edgepost_command.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;

struct ImportFixture : EdgepostCommand {
  EdgepostCommand other;  // where it goes

  [[nodiscard]] std::string exported(const Words& options = {}) const {
    const Outcome outcome = run("export", options);
    INFO(outcome.err);
    REQUIRE(outcome.code == 0);
    return outcome.out;
  }

  static std::vector<EventId> ids_of(const std::vector<Event>& events) {
    std::vector<EventId> ids;
    for (const Event& event : events)
      ids.push_back(event.id);
    return ids;
  }
};

std::string numbers(int from, int to) {
  std::string lines;
  for (int i = from; i <= to; ++i)
    lines += std::to_string(i) + "\n";
  return lines;
}

TEST_CASE_FIXTURE(ImportFixture, "import: what was exported arrives with ids, order and streams") {
  publish(numbers(1, 1'500), {"--key", "k", "--content-type", "text/plain"});
  publish("a\nb\n", {"--stream", "second", "--create-stream"});
  const Outcome outcome = other.run("import", {"--json"}, exported());
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "{\"imported\":1502,\"skipped\":0}\n");
  CHECK(other.events() == events());
  CHECK(other.events({"--stream", "second"}) == events({"--stream", "second"}));
  CHECK(other.is_sound());
}

TEST_CASE_FIXTURE(ImportFixture, "import: what is there already is skipped") {
  publish(numbers(1, 10));
  const std::string lines = exported();
  CHECK(run("import", {}, lines).out == "imported 0 events, skipped 10\n");
  CHECK(other.run("import", {}, lines + lines).out == "imported 10 events, skipped 10\n");
  CHECK(other.run("import", {}, lines).out == "imported 0 events, skipped 10\n");
  CHECK(other.run("import", {"--stream", "copy"}, lines).out == "imported 10 events, skipped 0\n");
  CHECK(ids_of(other.events({"--stream", "copy"})) == ids_of(events()));
  CHECK(other.events().size() == 10);
}

TEST_CASE_FIXTURE(ImportFixture,
                  "import: what has left the stream since is skipped as well [P-13]") {
  publish(numbers(1, 10));
  const std::string lines = exported();
  REQUIRE(other.run("import", {}, lines).code == 0);
  {
    auto gateway = Gateway::open({.database = other.db});
    REQUIRE(gateway.is_ok());
    auto consumer = (*gateway)->consumer("outbox", {.name = "cloud"});
    REQUIRE(consumer.is_ok());
    for (const Event& event : *consumer->fetch())
      CHECK(consumer->acknowledge(event.sequence).is_ok());
  }
  REQUIRE(other.events().empty());
  CHECK(other.run("import", {}, lines).out == "imported 0 events, skipped 10\n");
}

TEST_CASE_FIXTURE(ImportFixture, "export: it takes one stream, a part, or what is pending") {
  publish(numbers(1, 10));
  publish("a\n", {"--stream", "second", "--create-stream"});
  const auto count = [this](const Words& options) { return lines_of(exported(options)).size(); };
  CHECK(count({}) == 11);
  CHECK(count({"--stream", "outbox"}) == 10);
  CHECK(count({"--stream", "outbox", "--from", "8"}) == 3);
  CHECK(count({"--pending"}) == 11);
  {
    auto gateway = Gateway::open({.database = db});
    REQUIRE(gateway.is_ok());
    auto consumer = (*gateway)->consumer("outbox", {.name = "cloud"});
    REQUIRE(consumer.is_ok());
    for (const Event& event : *consumer->fetch({.events = 4}))
      CHECK(consumer->acknowledge(event.sequence).is_ok());
  }
  CHECK(count({"--stream", "outbox", "--pending"}) == 6);
  const Outcome unknown = run("export", {"--stream", "nothing"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err == "edgepost: unknown stream 'nothing'\n");
}

TEST_CASE_FIXTURE(ImportFixture, "export: a time to live goes on running") {
  publish("short\n", {"--ttl", "1h"});
  const std::string line = exported();
  const std::uint64_t left = number_in(line, "ttl_ms");
  CHECK(left > 3'000'000);
  CHECK(left <= 3'600'000);
  REQUIRE(other.run("import", {}, line).code == 0);
  const auto imported = other.events();
  REQUIRE(imported.size() == 1);
  CHECK(imported[0].expires_after == Duration(std::chrono::milliseconds(left)));
}

TEST_CASE_FIXTURE(ImportFixture, "import: it takes events as large as a gateway may be told to") {
  {
    auto gateway = Gateway::open({.database = db, .limits = {.data_bytes_max = 8U << 20U}});
    REQUIRE(gateway.is_ok());
    REQUIRE((*gateway)->create_stream({.name = "outbox", .filters = {"#"}}).is_ok());
    // As JSON six bytes for each.
    REQUIRE((*gateway)->publish({.topic = "t", .data = std::string(8U << 20U, '\1')}).is_ok());
  }
  const Outcome outcome = other.run("import", {}, exported());
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "imported 1 events, skipped 0\n");
  CHECK(other.events() == events());
}

TEST_CASE_FIXTURE(ImportFixture, "export: it works beside the owner, import says who that is") {
  publish("one\n");
  Process owner(words("publish", {"--topic", "t", "--progress-lines"}), {.has_input_pipe = true});
  owner.write("two\n");
  REQUIRE(owner.line(kPatience) == "{\"last\":2}");
  CHECK(lines_of(exported()).size() == 2);
  const Outcome refused = run("import", {}, exported());
  CHECK(refused.code == 1);
  CHECK(refused.err.find("process " + std::to_string(owner.pid())) != std::string::npos);
}

TEST_CASE_FIXTURE(ImportFixture, "import: the first bad line is named and ends it") {
  publish(numbers(1, 5));
  const Words good = lines_of(exported());
  const std::string no_id = "{\"topic\":\"t\",\"edgepost_stream\":\"outbox\"}";
  const std::string no_stream = "{\"topic\":\"t\",\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}";
  int number = 0;
  for (const auto& [bad, why] :
       {std::pair<std::string, std::string>{"{", "JSON, byte"},
        {no_id, "id: missing"},
        {no_stream, "edgepost_stream: missing"},
        {good[2].substr(0, good[2].size() - 1) + ",\"delay_ms\":0}", "delay_ms: '0' is not"}}) {
    CAPTURE(why);
    const std::string stream = "s" + std::to_string(++number);
    const std::string lines = good[0] + "\n" + good[1] + "\n" + bad + "\n" + good[3] + "\n";
    Words options{"--json", "--stream", stream};
    if (bad == no_stream) options = {"--json"};
    const Outcome outcome = other.run("import", options, lines);
    CHECK(outcome.code == 1);
    CHECK(outcome.err.starts_with("edgepost: line 3: " + why));
    CHECK(outcome.out == "{\"imported\":2,\"skipped\":0}\n");
  }
  CHECK(other.run("import", {"--stream", "No"}).code == 2);
  CHECK(other.run("import", {"--batch", "0"}).code == 2);
}

TEST_CASE_FIXTURE(ImportFixture,
                  "import: killed with -9 in the middle and run again, it stores each event once "
                  "and in order [P-13]") {
  publish(numbers(1, 20'000));
  const std::string file = dir.file("events.jsonl");
  write_file(file, exported());
  const auto start = [&] {
    const int input = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    auto process = std::make_unique<Process>(other.words("import", {"--batch", "50"}),
                                             Streams{.input = input});
    close(input);
    return process;
  };
  int kills = 0;
  for (std::uint64_t before = 0; kills < 5; ++kills) {
    const auto process = start();
    while (other.next_sequence() <= before + 500) {
    }
    process->signal(SIGKILL);
    if (process->wait() != 128 + SIGKILL) break;
    before = other.next_sequence();
  }
  CHECK(kills > 0);
  const auto last = start();
  CHECK(last->wait() == 0);
  CHECK(ids_of(other.events()) == ids_of(events()));
  CHECK(other.is_sound());
}

}  // namespace
}  // namespace edgepost::test
