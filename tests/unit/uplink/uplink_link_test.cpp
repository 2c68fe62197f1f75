#include "uplink/uplink.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <semaphore>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using test::UplinkFixture;

TEST_CASE_FIXTURE(UplinkFixture, "uplink: refused credentials block it, and nothing is lost") {
  peer.refusal = Answer{AnswerClass::credentials, "not authorised", {}};
  policy.blocked_retry = Duration::zero();
  publish_events(2);
  CHECK(run() == Instant::max());
  CHECK(status().state == UplinkState::blocked);
  CHECK(status().last_error == "not authorised");
  run_after(hours(24 * 365));
  CHECK(peer.connects == 2);  // the second with fresh credentials
  CHECK(status().lag == 2);
  peer.refusal.reset();
  uplink->retry_now();
  run();
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: once an hour it looks whether it is welcome again") {
  peer.refusal = Answer{AnswerClass::credentials, "not authorised", {}};
  publish_events(2);
  run();
  CHECK(peer.connects == 2);
  run_until(clock.now() + hours(2));
  CHECK(peer.connects == 4);
  CHECK(status().state == UplinkState::blocked);
  peer.refusal.reset();
  run_until(clock.now() + hours(1));
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: while it is offline time passes and nothing is lost") {
  peer.refusal = Answer{AnswerClass::link_down, "no route to host", {}};
  publish_events(2);
  while (peer.connects < 100)
    clock.advance(run() - clock.now());
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
  run_after(seconds(1));
  jump(1970);
  run();
  CHECK(received() == Sequences{1, 1});
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: an overdue answer opens the breaker, and all is sent again [P-32]") {
  peer.answer_nothing();
  publish_events(2);
  run_until(clock.now() + seconds(5));
  CHECK(peer.disconnects == 1);
  CHECK(status().state == UplinkState::waiting);
  CHECK(status().endpoints[0].breaker == BreakerState::open);
  run_after(seconds(30));
  CHECK(received() == Sequences{1, 2, 1});  // half-open: one at a time
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: an upstream that never accepts is given up and retried") {
  peer.is_silent = true;
  run();
  run_after(seconds(30));
  CHECK(peer.disconnects == 1);
  CHECK(status().last_error == "not accepted within 10 s");
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

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it does not wait past an event that came while it sent") {
  peer.on_event = [this](const Event& event) {
    if (event.sequence == 1) publish_events(1);
    return Answer{};
  };
  run();
  publish_events(1);
  uplink->step(clock.now(), hours(1));
  CHECK(peer.last_wait == Duration::zero());
  run();
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it waits until a refused event is due, no longer") {
  answer_all(AnswerClass::suspect);
  publish_events(1);
  run();
  uplink->step(clock.now(), hours(1));
  CHECK(peer.last_wait == seconds(1));
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it waits until a stream may be read again, no longer") {
  make_uplink();
  close();
  run();
  uplink->step(clock.now(), hours(1));
  CHECK(peer.last_wait == seconds(1));
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: new events do not disturb an uplink that cannot send") {
  peer.refusal = Answer{AnswerClass::link_down, "no route to host", {}};
  run();
  publish_events(10);
  CHECK(peer.wakes == 0);
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
  CHECK(peer.disconnects == 1);
  peer.send_status = Status();
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it drains within 1 s of the link's return [P-30]") {
  peer.refusal = unreachable();
  peer.probe_finds = false;
  publish_events(1);
  for (const int outage : {1, 7, 100, 3'000}) {
    run_until(clock.now() + seconds(outage));
    peer.refusal.reset();
    peer.probe_finds = true;
    run_until(clock.now() + seconds(1));
    CHECK(received().size() == 1);
    peer.refusal = unreachable();
    peer.probe_finds = false;
    peer.drop();
    publish_events(1);
  }
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: the rate limit holds [P-30]") {
  policy.pacing = {.events_per_second = 10, .burst_events = 5};
  publish_events(150);
  const Instant begin = clock.now();
  run_until(begin + seconds(10));
  CHECK(received().size() <= 105);
  CHECK(peer.received.size() >= 95);
  run_until(begin + seconds(20));
  CHECK(floor() == 150);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: the limit of bytes holds [P-30]") {
  policy.pacing = {.bytes_per_second = 1'000};
  publish_events(100);
  run_until(clock.now() + seconds(5));
  CHECK(peer.traffic.sent <= 6'000 + 8 * 114);
  CHECK(peer.traffic.sent >= 4'500);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: when a day's bytes are used up it leaves until the next") {
  policy.pacing.bytes_per_day = 6'400;
  publish_events(100);
  run_until(clock.now() + hours(1));
  CHECK(status().state == UplinkState::waiting);
  CHECK_FALSE(peer.is_connected);
  CHECK(peer.traffic.sent <= 6'400);
  CHECK(peer.traffic.sent >= 6'000);
  CHECK(status().day_bytes == peer.traffic.sent);
  CHECK(was_told("budget peer"));
  CHECK_FALSE(notes["budget/cloud"].empty());
  const std::size_t before = peer.received.size();
  uplink.reset();  // a restart gives nothing
  run_until(clock.now() + hours(10));
  CHECK(peer.received.size() == before);
  run_until(clock.now() + hours(7));
  CHECK(peer.received.size() > before);
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
