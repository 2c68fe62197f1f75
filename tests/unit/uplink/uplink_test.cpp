#include "uplink/uplink.hpp"

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using test::UplinkFixture;

TEST_CASE_FIXTURE(UplinkFixture, "uplink: what was stored before the link is sent as it comes up") {
  publish_events(3);
  run();
  CHECK(received() == Sequences{1, 2, 3});
  CHECK(floor() == 3);
  CHECK(status().state == UplinkState::online);
  CHECK(status().sent == 3);
  CHECK(status().acknowledged == 3);
  CHECK(status().lag == 0);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: only an acknowledgement moves the cursor [P-05]") {
  publish_events(1);
  for (const AnswerClass meaning :
       {AnswerClass::link_down, AnswerClass::slow_down, AnswerClass::credentials,
        AnswerClass::configuration, AnswerClass::suspect}) {
    answer_all(meaning);
    run();
    CHECK(received().front() == 1);
    CHECK(floor() == 0);
    CHECK(stored().size() == 1);
    uplink.reset();
  }
  answer_all(AnswerClass::acknowledged);
  run();
  CHECK(floor() == 1);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: the cursor stands below the lowest unanswered [P-05]") {
  peer.answer_nothing();
  publish_events(3);
  run();
  peer.answer(2);
  peer.answer(3);
  run();
  CHECK(floor() == 0);
  peer.answer(1);
  run();
  CHECK(floor() == 3);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: a lost link sends again the same, in order [P-12][P-10]") {
  policy.max_in_flight_per_key = 5;
  peer.answer_nothing();
  publish_keys({"a", "b", "a", "b", "a"});
  run();
  peer.answer(2);
  run();
  const std::vector<Event> before = peer.received;
  peer.drop();
  run();
  run_after(seconds(1));
  REQUIRE(peer.received.size() == before.size() + 4);
  CHECK(peer.received[5] == before[0]);
  CHECK(peer.received[6] == before[2]);
  CHECK(peer.received[7] == before[3]);
  CHECK(peer.received[8] == before[4]);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: what was read and not sent yet keeps its place [P-10]") {
  policy.max_in_flight = 2;
  peer.answer_nothing();
  publish_events(4);
  run();
  peer.drop();
  run();
  answer_all(AnswerClass::acknowledged);
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2, 1, 2, 3, 4});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a restart sends again the same, in order [P-12][P-10]") {
  policy.max_in_flight = 4;
  peer.answer_nothing();
  publish_events(9);
  run();
  const std::vector<Event> before = peer.received;
  uplink.reset();
  open();
  run();
  REQUIRE(peer.received.size() == 8);  // the window, twice
  CHECK(std::equal(before.begin(), before.end(), peer.received.begin() + 4));
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: at most the window is in flight [P-20]") {
  publish_events(300);
  run();
  CHECK(peer.in_flight_max == 64);
  CHECK(received().size() == 300);
  peer.drop();
  run();
  peer.limits.in_flight_max = 3;
  peer.in_flight_max = 0;
  publish_events(10);
  run_after(seconds(1));
  CHECK(peer.in_flight_max == 3);
  CHECK(floor() == 310);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: a refused event stops no other, and its key keeps order") {
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1;
    return Answer{is_bad ? AnswerClass::suspect : AnswerClass::acknowledged, "bad payload", {}};
  };
  publish_keys({"a"});
  run();
  publish_keys({"a", "b", ""});
  run();
  CHECK(received() == Sequences{1, 3, 4});
  run_after(seconds(1));
  CHECK(received() == Sequences{1});
  CHECK(status().refused == 2);
  CHECK(status().last_error == "event refused: bad payload");
  answer_all(AnswerClass::acknowledged);
  run_after(seconds(2));
  CHECK(received() == Sequences{1, 2});
  CHECK(floor() == 4);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: an upstream that hangs up at one event still gets the others [P-05]") {
  peer.on_event = [this](const Event& event) -> std::optional<Answer> {
    if (event.sequence != 2) return Answer{};
    peer.drop();
    return Answer{AnswerClass::suspect, "connection lost at this event", {}};
  };
  publish_many(1, 4);
  for (int i = 0; i < 10; ++i)
    run_after(seconds(2));
  const Sequences all = received();
  CHECK(std::count(all.begin(), all.end(), 2) > 1);
  CHECK(std::count(all.begin(), all.end(), 4) == 1);
  CHECK(floor() == 1);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: however many are behind a refused one, they are sent") {
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1;
    return Answer{is_bad ? AnswerClass::suspect : AnswerClass::acknowledged, "bad field", {}};
  };
  const Status stored = gateway->transact([](Transaction& transaction) {
    for (int i = 0; i < 3'000; ++i) {
      const auto receipt = transaction.publish({.topic = "t", .data = "x"});
      if (!receipt) return receipt.status();
    }
    return Status();
  });
  REQUIRE(stored.is_ok());
  run();
  CHECK(received().size() == 3'000);
  answer_all(AnswerClass::acknowledged);
  run_after(seconds(1));
  CHECK(floor() == 3'000);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: asked to slow down, it pauses, then sends the same again") {
  peer.on_event = [](const Event&) {
    return Answer{AnswerClass::slow_down, "quota exceeded", seconds(20)};
  };
  policy.max_in_flight_per_key = 2;
  publish_keys({"a", "a"});
  const Instant next = run();
  CHECK(received() == Sequences{1, 2});
  CHECK(next <= clock.now() + seconds(20));
  answer_all(AnswerClass::acknowledged);
  run_after(seconds(19));
  CHECK(received() == Sequences{});
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2});
  CHECK(status().refused == 0);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: streams take turns") {
  REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  publish_events(3);
  REQUIRE(gateway->route("alarm", "alarms").is_ok());
  policy.streams = {"outbox", "alarms"};
  policy.max_in_flight = 2;
  for (int i = 0; i < 2; ++i)
    REQUIRE(gateway->publish({.topic = "alarm", .data = "!"}).is_ok());
  run();
  CHECK(received() == Sequences{1, 1, 2, 2, 3, 4, 5});  // each alarm is in both streams
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: the stream of the highest priority is drained first") {
  REQUIRE(gateway->create_stream({.name = "alarms", .filters = {"alarm"}, .priority = 1}).is_ok());
  publish_events(3);
  policy.streams = {"outbox", "alarms"};
  policy.max_in_flight = 2;
  for (int i = 0; i < 3; ++i)
    REQUIRE(gateway->publish({.topic = "alarm", .data = "!"}).is_ok());
  run();
  CHECK(received() == Sequences{1, 2, 3, 1, 2, 3, 4, 5, 6});  // alarms are in both streams
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: one event of a key is in flight at a time [P-10]") {
  peer.answer_nothing();
  publish_keys({"a", "a", "b", ""});
  run();
  CHECK(received() == Sequences{1, 3, 4});
  peer.answer(1);
  run();
  CHECK(received() == Sequences{2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: refusals are counted, and the last one is enough") {
  policy.max_deliver = 3;
  answer_all(AnswerClass::suspect);
  publish_events(1);
  for (int i = 0; i < 10; ++i)
    run_after(seconds(10));
  CHECK(received() == Sequences{1, 1, 1});
  CHECK(status().refused == 3);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: lost links and late answers count as no try [P-14]") {
  policy.max_deliver = 1;
  peer.answer_nothing();
  publish_events(1);
  for (int i = 0; i < 3; ++i) {
    run_after(minutes(5));
    peer.drop();
    run_after(minutes(5));  // connects again
    run_after(minutes(5));  // no answer in time
  }
  run_after(minutes(5));
  CHECK(received().size() >= 4);
  answer_all(AnswerClass::acknowledged);
  peer.drop();
  run();
  run_after(minutes(5));
  CHECK(floor() == 1);
  CHECK(outbox().ledger.acknowledged + outbox().ledger.pending == 1);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a stream that cannot be read stops no other") {
  GatewayFixture other;
  other.open();
  std::vector<Uplink::Source> sources;
  sources.push_back({other.consumer()});
  sources.push_back({consumer()});
  start_uplink(std::move(sources));
  other.close();
  publish_events(2);
  run();
  CHECK(received() == Sequences{1, 2});
  CHECK(status().last_error == "consumer: its gateway was closed");
  const std::size_t lines = logger.lines.size();
  for (int i = 0; i < 5; ++i)
    run_after(minutes(5));
  CHECK(logger.lines.size() == lines);
  publish_events(1);
  run();
  CHECK(received() == Sequences{3});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: events from upstream are not taken") {
  run();
  peer.deliver({.topic = "command", .data = "restart"});
  run();
  CHECK(peer.received_status.code() == Code::unsupported);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: states and failures are logged, payloads are not") {
  answer_all(AnswerClass::suspect);
  publish_events(2);
  run();
  peer.drop();
  run();
  uplink->request_stop(clock.now());
  run();
  CHECK(logger.lines ==
        std::vector<std::string>{
            "cloud-1-0: connects to fake://peer", "cloud-1-1: online at fake://peer",
            "! cloud-1-1: event refused: said so",
            "! cloud-1-3: connection reset; connects again in 1000 ms", "cloud-1-3: stopped"});
}

}  // namespace
}  // namespace edgepost
