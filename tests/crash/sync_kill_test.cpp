// Kills `edgepost sync` with -9 in mid-drain and looks at what arrives.
#include <doctest.h>
#include <signal.h>

#include <algorithm>
#include <map>

#include "crash/crash_fixture.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

constexpr int kKills = 12;
constexpr std::size_t kWindow = 64;
constexpr std::size_t kRepeats = 3;  // of the series: so much that no drain ends before its kill

struct SyncFixture : CrashFixture {
  const std::size_t published = kRepeats * series.size();
  Mosquitto broker;
  Subscriber subscriber{broker};
  std::map<EventId, std::uint64_t> first_seen;  // id to place in the order of first arrival
  std::size_t duplicates = 0;
  std::uint64_t previous = 0;   // sequence of the last message; a kill makes it go back
  std::size_t repeats = 0;      // since it last went back
  std::size_t repeats_max = 0;  // after any one kill
  std::size_t misplaced = 0;

  /// Takes one message. False when none comes for `patience`.
  bool receive(std::chrono::milliseconds patience) {
    const auto line = subscriber.next(patience);
    if (!line) return false;
    const auto event = wire::parse_event(*line);
    INFO(*line);
    REQUIRE(event.is_ok());
    if (event->sequence <= previous) repeats = 0;
    previous = event->sequence;
    if (!first_seen.emplace(event->id, first_seen.size() + 1).second) {
      ++duplicates;
      repeats_max = std::max(repeats_max, ++repeats);
    } else if (event->sequence != first_seen.size() ||
               event->data != series[(first_seen.size() - 1) % series.size()]) {
      ++misplaced;  // the n-th new event must be the n-th that was published
    }
    return true;
  }

  [[nodiscard]] Words sync() const {
    return command.words("sync", {"--to", broker.url(), "--until-empty", "--json", "--mode",
                                  "structured", "--window", std::to_string(kWindow)});
  }

  /// Drains until some events have arrived, then kills. True when it was still draining.
  bool drain_and_kill() {
    Process process(sync());
    for (int wanted = any(0, 200); wanted > 0 && receive(std::chrono::seconds(10)); --wanted) {
    }
    process.signal(SIGKILL);
    return process.wait() == 128 + SIGKILL;
  }
};

TEST_CASE_FIXTURE(
    SyncFixture,
    "sync: everything arrives in order after 12 kill -9 in mid-drain, and they repeat "
    "no more than a window each [P-01] [P-05] [P-10] [P-12]") {
  const std::string input = read_file(EDGEPOST_SERIES);
  for (std::size_t i = 0; i < kRepeats; ++i)
    command.publish(input, {"--key", "machine"});
  std::size_t kills = 0;
  while (kills < kKills && drain_and_kill())
    ++kills;
  CHECK(kills == kKills);

  const Outcome last = run(sync());
  INFO(last.err);
  REQUIRE(last.code == 0);
  while (first_seen.size() < published && receive(std::chrono::seconds(10))) {
  }
  while (receive(std::chrono::milliseconds(200))) {
  }
  CHECK(first_seen.size() == published);
  CHECK(misplaced == 0);
  CHECK(repeats_max <= kWindow);
  MESSAGE(kills << " kills, " << duplicates << " duplicates, at most " << repeats_max
                << " after one kill");
  CHECK(number_in(command.run("status", {"--json"}).out, "acknowledged") == published);
  CHECK(command.is_sound());
}

}  // namespace
}  // namespace edgepost::test
