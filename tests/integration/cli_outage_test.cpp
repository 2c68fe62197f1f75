// What edgepost sync does when the broker goes away in mid-drain, dies, or will not have it.
#include <doctest.h>
#include <signal.h>

#include <set>

#include "support/edgepost_command.hpp"
#include "support/mosquitto.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;
constexpr std::size_t kEvents = 12'000;
constexpr std::size_t kWindow = 64;
constexpr std::size_t kCuts = 4;

/// Puts numbers in the order of their first arrival and counts what comes again.
struct Arrivals {
  std::set<std::size_t> seen;
  std::size_t repeats = 0;
  std::size_t misplaced = 0;

  void take(std::size_t number) {
    if (!seen.insert(number).second) {
      ++repeats;
    } else if (number != seen.size()) {
      ++misplaced;  // the n-th new event must be the n-th that was published
    }
  }
};

struct OutageFixture : EdgepostCommand {
  Arrivals arrivals;

  /// Event n has the topic `n/<n>` and the data n.
  void publish_numbers(std::size_t count) const {
    std::string lines;
    for (std::size_t i = 1; i <= count; ++i) {
      const std::string number = std::to_string(i);
      lines.append("{\"topic\":\"n/").append(number).append("\",\"data\":").append(number);
      lines += "}\n";
    }
    REQUIRE(run("publish", {"--jsonl"}, lines).code == 0);
  }

  [[nodiscard]] Words sync_words(const Mosquitto& broker) const {
    return words("sync", {"--to", broker.url(), "--until-empty", "--json", "--retry-max", "200ms",
                          "--window", std::to_string(kWindow)});
  }

  /// The command said that it is done, and that it sent no more than a window again for each cut.
  void check_result(Process& sync) const {
    const auto result = sync.line(kPatience);
    REQUIRE(result);
    CHECK(sync.wait() == 0);
    CHECK(number_in(*result, "acknowledged") == kEvents);
    CHECK(number_in(*result, "lag") == 0);
    CHECK(number_in(*result, "sent") <= kEvents + kCuts * kWindow);
    CHECK(number_in(run("status", {"--json"}).out, "acknowledged") == kEvents);
    CHECK(is_sound());
  }
};

/// A broker that tells which events it took, once or again, before its answer leaves. That is the
/// judge: what it forgets when it is killed is no loss of ours, and what it sends a subscriber
/// twice after a restart is no duplicate of ours.
struct TalkingBroker : OutageFixture {
  Mosquitto broker{"log_type all\n"};

  /// Reads one line of the log. False when there is none.
  bool read_log(std::chrono::microseconds patience) {
    const auto line = broker.log_line(patience);
    if (!line || line->find(": Received PUBLISH ") == std::string::npos) return line.has_value();
    const auto found = line->find("/n/");
    if (found != std::string::npos) arrivals.take(std::stoul(line->substr(found + 3)));
    return true;
  }

  void read_log_until(std::size_t count) {
    while (arrivals.seen.size() < count && read_log(kPatience)) {
    }
  }

  /// Drains, and cuts it several times in the middle by `end`ing the broker.
  void drain(void (Mosquitto::*end)()) {
    publish_numbers(kEvents);
    Process sync(sync_words(broker), {.error = dir.file("err")});
    for (std::size_t cut = 1; cut <= kCuts; ++cut) {
      read_log_until(cut * kEvents / (kCuts + 1));
      (broker.*end)();
      while (read_log(0s)) {
      }
      CHECK(arrivals.seen.size() < kEvents);
      // Neither there nor gone: what the broker has not taken is still here.
      CHECK(number_in(run("status", {"--json"}).out, "pending") + arrivals.seen.size() >= kEvents);
      broker.start();
    }
    read_log_until(kEvents);
    check_result(sync);
    while (read_log(0s)) {
    }
    CHECK(arrivals.seen.size() == kEvents);
    CHECK(arrivals.misplaced == 0);
    CHECK(arrivals.repeats <= kCuts * kWindow);
    MESSAGE(kCuts << " cuts, " << arrivals.repeats << " duplicates");
  }
};

TEST_CASE_FIXTURE(TalkingBroker,
                  "sync: everything arrives in order though the broker goes away four times in "
                  "mid-drain [P-01] [P-10] [P-12] [P-30]") {
  Subscriber subscriber(broker);
  drain(&Mosquitto::stop);
  Arrivals received;
  for (int silence = 0; received.seen.size() < kEvents && silence < 1'000; ++silence) {
    while (read_log(0s)) {
    }
    while (const auto line = subscriber.next(10ms)) {
      received.take(std::stoul(*line));
      silence = 0;
    }
  }
  CHECK(received.seen.size() == kEvents);
  CHECK(received.misplaced == 0);
}

TEST_CASE_FIXTURE(TalkingBroker,
                  "sync: what a broker acknowledged had reached it, in order, though it is killed "
                  "with -9 four times in mid-drain [P-01] [P-05] [P-10] [P-12]") {
  drain(&Mosquitto::kill_hard);
}

TEST_CASE_FIXTURE(OutageFixture, "sync: a wrong port is named, and nothing is lost [P-14]") {
  publish_numbers(10);
  Mosquitto broker;
  const std::string url = broker.url();
  broker.stop();
  const Outcome outcome = run("sync", {"--to", url, "--until-empty", "--timeout", "300ms"});
  CHECK(outcome.code == 1);
  CHECK(outcome.out == "acknowledged 0 events, sent 0, lag 10\n");
  CHECK(outcome.err.find("10 of 10 events are left; " + url + ": ") != std::string::npos);
  CHECK(events().size() == 10);
}

TEST_CASE_FIXTURE(OutageFixture,
                  "sync: a broker that wants credentials ends it at once, and nothing is lost "
                  "[P-14]") {
  publish_numbers(10);
  write_file(dir.file("passwords"), "");
  const Mosquitto strict("allow_anonymous false\npassword_file " + dir.file("passwords") + "\n");
  const Outcome outcome = run("sync", {"--to", strict.url(), "--until-empty"});  // no --timeout
  CHECK(outcome.code == 1);
  CHECK(outcome.out == "acknowledged 0 events, sent 0, lag 10\n");
  CHECK(outcome.err.find(strict.url()) != std::string::npos);
  CHECK(events().size() == 10);
  const Mosquitto open;
  CHECK(run("sync", {"--to", open.url(), "--until-empty"}).out ==
        "acknowledged 10 events, sent 10, lag 0\n");
}

TEST_CASE_FIXTURE(OutageFixture,
                  "sync: events that an access list forbids stay until it allows them [P-05]") {
  publish_numbers(2);
  const std::string list = dir.file("acl");
  write_file(list, "topic read #\n");
  // mosquitto 2.0.11 with an unlimited queue hangs up after each refusal, and that hides the
  // reason.
  Mosquitto broker("acl_file " + list + "\nmax_queued_messages 1000\n");
  const Outcome outcome =
      run("sync", {"--to", broker.url(), "--until-empty", "--timeout", "500ms", "--json"});
  CHECK(outcome.code == 1);
  CHECK(number_in(outcome.out, "acknowledged") == 0);
  CHECK(number_in(outcome.out, "lag") == 2);
  CAPTURE(outcome.err);
  CHECK(outcome.err.find("2 of 2 events are left; ") != std::string::npos);
  CHECK(outcome.err.find("not authorized") != std::string::npos);
  broker.stop();
  write_file(list, "topic readwrite #\n");
  broker.start();
  Subscriber subscriber(broker);
  CHECK(run("sync", {"--to", broker.url(), "--until-empty"}).code == 0);
  for (int i = 1; i <= 2; ++i)
    CHECK(subscriber.next() == std::to_string(i));
}

TEST_CASE_FIXTURE(OutageFixture,
                  "sync: --until-empty awaits requeued dead letters, and says what died") {
  // Said to a client of MQTT 5: nothing larger is even sent.
  const Mosquitto narrow("max_packet_size 1000\n");
  const Mosquitto wide;
  publish("small\n" + std::string(2'000, 'x') + "\nsmall\n");
  const auto sync = [&](const Mosquitto& broker) {
    return run("sync", {"--to", broker.url(), "--until-empty", "--retry-max", "20ms", "--json"});
  };
  const std::string died = "edgepost: 1 events became dead letters; see `edgepost dead list`\n";
  const Outcome first = sync(narrow);
  CHECK(first.code == 1);
  CHECK(first.err == died);
  CHECK(number_in(first.out, "acknowledged") == 2);
  CHECK(number_in(first.out, "lag") == 0);
  CHECK(number_in(first.out, "dead") == 1);
  const Outcome nothing = sync(narrow);
  CHECK(nothing.code == 0);
  CHECK(nothing.err.empty());
  CHECK(number_in(nothing.out, "dead") == 0);
  for (const bool is_taken : {false, true}) {
    REQUIRE(run("dead", {"requeue", "--all"}).code == 0);
    const Outcome again = sync(is_taken ? wide : narrow);
    CHECK(again.code == (is_taken ? 0 : 1));
    CHECK(again.err == (is_taken ? "" : died));
    CHECK(number_in(again.out, "acknowledged") == (is_taken ? 1 : 0));
    CHECK(number_in(run("status", {"--json"}).out, "dead") == (is_taken ? 0 : 1));
  }
  CHECK(run("dead", {"list"}).out == "no dead letters\n");
}

}  // namespace
}  // namespace edgepost::test
