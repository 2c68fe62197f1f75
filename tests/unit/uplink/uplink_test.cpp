#include "uplink/uplink.hpp"

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <string>
#include <vector>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
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
        AnswerClass::configuration, AnswerClass::too_large, AnswerClass::suspect}) {
    answer_all(meaning);
    run();
    CHECK(received() == Sequences{1});
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

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it holds 1,024 events behind a refused one [P-20]") {
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1;
    return Answer{is_bad ? AnswerClass::too_large : AnswerClass::acknowledged, "too large", {}};
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
  CHECK(received().size() <= 1'024 + policy.batch_events);
  answer_all(AnswerClass::acknowledged);
  run_after(seconds(1));
  CHECK(floor() == 3'000);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: asked to slow down, it pauses, then sends the same again") {
  peer.on_event = [](const Event&) {
    return Answer{AnswerClass::slow_down, "quota exceeded", seconds(20)};
  };
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

TEST_CASE_FIXTURE(UplinkFixture, "uplink: refused credentials block it, and nothing is lost") {
  peer.refusal = Answer{AnswerClass::credentials, "not authorised", {}};
  publish_events(2);
  CHECK(run() == Instant::max());
  CHECK(status().state == UplinkState::blocked);
  CHECK(status().last_error == "not authorised");
  run_after(hours(24 * 365));
  CHECK(peer.connects == 1);
  CHECK(status().lag == 2);
  peer.refusal.reset();
  uplink->retry_now();
  run();
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: while it is offline time passes and nothing is lost") {
  peer.refusal = Answer{AnswerClass::link_down, "no route to host", {}};
  publish_events(2);
  for (int i = 0; i < 100; ++i)
    clock.advance(run() - clock.now());
  CHECK(peer.connects == 100);
  peer.refusal.reset();
  run_after(minutes(5));
  CHECK(received() == Sequences{1, 2});
  CHECK(status().refused == 0);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: jumps of the wall clock change nothing [P-40]") {
  const auto jump = [this](int year) {
    clock.set_wall(std::chrono::sys_days(std::chrono::year(year) / 1 / 1));
  };
  peer.answer_nothing();
  publish_events(1);
  run();
  jump(2099);
  run();
  CHECK(status().state == UplinkState::online);  // no timeout
  peer.drop();
  const Instant due = run();
  jump(1970);
  CHECK(run() == due);
  jump(2099);
  CHECK(run() == due);
  CHECK(peer.connects == 1);
  clock.advance(due - clock.now());
  jump(1970);
  run();
  CHECK(received() == Sequences{1, 1});
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: an overdue answer breaks the link, and all is sent again") {
  peer.answer_nothing();
  publish_events(2);
  run();
  run_after(seconds(30));
  CHECK(peer.disconnects == 1);
  CHECK(status().state == UplinkState::waiting);
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2, 1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: an upstream that never accepts is given up and retried") {
  peer.is_silent = true;
  run();
  run_after(seconds(30));
  CHECK(peer.disconnects == 1);
  CHECK(status().last_error == "not accepted within 30 s");
  run_after(seconds(1));
  CHECK(peer.connects == 2);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a stop awaits the answers") {
  peer.answer_nothing();
  publish_events(1);
  run();
  uplink->request_stop(clock.now() + seconds(2));
  publish_events(1);
  run();
  CHECK_FALSE(uplink->is_stopped());
  peer.answer(1);
  run();
  CHECK(uplink->is_stopped());
  CHECK(peer.disconnects == 1);
  CHECK(received() == Sequences{1});
  CHECK(floor() == 1);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a stop ends at its deadline, and a restart sends again") {
  peer.answer_nothing();
  publish_events(1);
  run();
  uplink->request_stop(clock.now() + seconds(2));
  run();
  CHECK_FALSE(uplink->is_stopped());
  run_after(seconds(2));
  CHECK(uplink->is_stopped());
  run_after(hours(1));
  CHECK(peer.connects == 1);
  uplink->start();
  run();
  CHECK(received() == Sequences{1, 1});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a wake while it is idle leads to a send") {
  run();
  run_after(hours(1));
  publish_events(1);
  run();
  CHECK(received() == Sequences{1});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: new events do not disturb an uplink that cannot send") {
  peer.refusal = Answer{AnswerClass::link_down, "no route to host", {}};
  run();
  publish_events(10);
  CHECK(peer.wakes == 0);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: streams take turns") {
  REQUIRE(gateway->create_stream({.name = "alarms"}).is_ok());
  publish_events(3);
  REQUIRE(gateway->route("alarm", "alarms").is_ok());
  policy.streams = {"outbox", "alarms"};
  for (int i = 0; i < 2; ++i)
    REQUIRE(gateway->publish({.topic = "alarm", .data = "!"}).is_ok());
  run();
  CHECK(received() == Sequences{1, 1, 2, 2, 3, 4, 5});  // each alarm is in both streams
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a stream that cannot be read stops no other [P-24]") {
  GatewayFixture other;
  other.open();
  std::vector<Consumer> consumers;
  consumers.push_back(other.consumer());
  consumers.push_back(consumer());
  uplink = std::make_unique<Uplink>(policy, peer.transport(), std::move(consumers), platform);
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

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: an address that cannot work blocks it, a lost one does not") {
  peer.connect_status = Status(Code::invalid_argument, "no such scheme");
  run();
  CHECK(status().state == UplinkState::blocked);
  peer.connect_status = Status(Code::unavailable, "network is down");
  uplink->retry_now();
  run();
  CHECK(status().state == UplinkState::waiting);
  CHECK(status().last_error == "network is down");
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a send that fails breaks the link, and nothing is lost") {
  run();
  peer.send_status = Status(Code::unavailable, "broken pipe");
  publish_events(2);
  run();
  CHECK(status().state == UplinkState::waiting);
  CHECK(status().sent == 0);
  peer.send_status = Status();
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: events from upstream are not taken") {
  run();
  peer.deliver({.topic = "command", .data = "restart"});
  run();
  CHECK(peer.received_status.code() == Code::unsupported);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: states and failures are logged, payloads are not [P-61]") {
  answer_all(AnswerClass::suspect);
  publish_events(2);
  run();
  peer.drop();
  run();
  uplink->request_stop(clock.now());
  run();
  CHECK(logger.lines ==
        std::vector<std::string>{"cloud: connects to fake://peer", "cloud: online at fake://peer",
                                 "! cloud: event refused: said so",
                                 "! cloud: connection reset; connects again in 1000 ms",
                                 "cloud: stopped"});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: on a thread it sleeps until a wake and misses none") {
  constexpr std::uint64_t kEvents = 50;
  std::counting_semaphore<> arrived{0};
  peer.does_block = true;
  peer.on_event = [&](const Event&) {
    arrived.release();
    return Answer{};
  };
  make_uplink();
  auto worker = Worker::start(clock, [this](Instant now) { return uplink->step(now, hours(1)); });
  REQUIRE(worker.is_ok());
  for (std::uint64_t i = 0; i < kEvents; ++i) {
    publish_events(1);
    arrived.acquire();
    CHECK(status().sent <= kEvents);
  }
  uplink->request_stop(clock.now());
  worker->reset();
  run();
  CHECK(received().size() == kEvents);
  CHECK(peer.wakes > 0);
}

}  // namespace
}  // namespace edgepost
