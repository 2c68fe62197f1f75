// Kills `edgepost publish` with -9 at random moments and looks at what is left.
#include <doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <set>

#include "crash/crash_fixture.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

constexpr int kKills = 50;
constexpr std::uint64_t kBatch = 7;

struct PublishFixture : CrashFixture {
  std::uint64_t stored = 0;  // as the database says

  /// The series from the first line that is not stored yet, as a file to read from.
  [[nodiscard]] int rest_of_series() const {
    off_t offset = 0;
    for (std::size_t i = 0; i < stored; ++i) {
      offset += static_cast<off_t>(series[i].size()) + 1;
    }
    const int file = open(EDGEPOST_SERIES, O_RDONLY | O_CLOEXEC);
    REQUIRE(lseek(file, offset, SEEK_SET) == offset);
    return file;
  }

  /// Publishes what is left of the series and kills it in the middle: before its first commit is
  /// told, or some commits and some microseconds later. True when it was still alive.
  bool publish_and_kill() {
    const int input = rest_of_series();
    Process process(
        command.words("publish", {"--topic", "machine/temperature", "--key", "m",
                                  "--progress-lines", "--batch", std::to_string(kBatch)}),
        {.input = input});
    close(input);
    std::uint64_t reported = 0;
    const auto take = [&](std::chrono::microseconds patience) {
      const auto line = process.line(patience);
      if (line) reported = number_in(*line, "last");
      return line.has_value();
    };
    for (int commits = any(0, 6); commits > 0; --commits)
      take(std::chrono::seconds(10));
    take(std::chrono::microseconds(any(0, 20'000)));
    process.signal(SIGKILL);
    while (take(std::chrono::seconds(10))) {
    }
    const bool was_alive = process.wait() == 128 + SIGKILL;
    const std::uint64_t before = stored;
    stored = command.next_sequence() - 1;
    REQUIRE(stored >= std::max(before, reported));
    // What is not told is one commit at most.
    REQUIRE(stored <= std::max(before, reported) + kBatch);
    return was_alive;
  }
};

TEST_CASE_FIXTURE(PublishFixture,
                  "publish: what was reported as stored is there after 50 kill -9, whole, once and "
                  "in order, and reaches the broker [P-01] [P-02] [P-04] [P-10]") {
  for (int kills = 0; kills < kKills && stored + 100 < series.size();) {
    kills += publish_and_kill() ? 1 : 0;
  }
  const Outcome verified = command.run("verify");
  INFO(verified.out << verified.err);
  REQUIRE(verified.code == 0);
  const std::vector<Event> events = command.events();
  REQUIRE(events.size() == stored);
  std::set<EventId> ids;
  std::size_t same = 0;
  for (; same < events.size() && events[same].data == series[same]; ++same) {
    ids.insert(events[same].id);
  }
  CHECK(same == stored);
  CHECK(ids.size() == stored);

  const Mosquitto broker;
  Subscriber subscriber(broker);
  const Outcome synced = command.run("sync", {"--to", broker.url(), "--until-empty", "--json"});
  INFO(synced.err);
  REQUIRE(synced.code == 0);
  CHECK(number_in(synced.out, "acknowledged") == stored);
  std::size_t received = 0;
  while (received < stored && subscriber.next() == series[received])
    ++received;
  CHECK(received == stored);
}

}  // namespace
}  // namespace edgepost::test
