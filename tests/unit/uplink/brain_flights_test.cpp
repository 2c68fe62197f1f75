#include "uplink/brain.hpp"

#include <doctest.h>

#include <chrono>
#include <string>

#include "brain_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::BrainFixture;

TEST_CASE_FIXTURE(BrainFixture,
                  "brain: an event that is not answered in time opens the breaker [P-32]") {
  connect();
  const std::uint64_t first = send();
  pass(seconds(3));
  const std::uint64_t second = send();
  answer(first, AnswerClass::acknowledged);
  pass(options.breaker.trip_after - Duration(1));
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  now += Duration(1);
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(brain.last_error() == "no answer for 5 s");
  CHECK(brain.breaker().state() == BreakerState::open);
  CHECK(brain.in_flight() == 0);
  CHECK_FALSE(brain.answered(now, second, {}));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: while bytes go on an answer may take its time") {
  connect();
  send();
  traffic.sent = 101;
  pass(milliseconds(400));
  for (int i = 0; i < 100; ++i) {
    ++traffic.progress;
    pass(milliseconds(400));
    CHECK(brain.advance(now, may_probe) == LinkAction::none);
  }
  // An upstream that took the bytes and fell silent counts from the look before.
  pass(milliseconds(4'500));
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  pass(milliseconds(500));
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture,
                  "brain: bytes of later events do not hide that no answer comes [P-32]") {
  connect();
  send();
  for (int i = 0; i < 4; ++i) {
    pass(seconds(1));
    REQUIRE(brain.advance(now, may_probe) == LinkAction::none);
    send();
    traffic.sent += 100;
    traffic.progress = traffic.sent;  // its TCP takes them at once
  }
  pass(seconds(1));
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: after a pause of its own it first reads what has come") {
  connect();
  const std::uint64_t token = send();
  now += minutes(1);  // nobody has looked meanwhile
  brain.progressed(now, traffic);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  send();
  now += minutes(1);
  brain.progressed(now, traffic);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  pass(milliseconds(500));
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture,
                  "brain: one that later ones have overtaken is not awaited for ever") {
  connect();
  send();
  for (int i = 0; i < 59; ++i) {
    answer(send(), AnswerClass::acknowledged);
    pass(seconds(1));
    REQUIRE(brain.advance(now, may_probe) == LinkAction::none);
  }
  answer(send(), AnswerClass::acknowledged);
  pass(seconds(1));
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: room is the window less what is in flight") {
  connect();
  CHECK(brain.room(now) == 8);
  const std::uint64_t token = send();
  CHECK(brain.room(now) == 7);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.room(now) == 9);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: requests go one at a time, as large as both sides allow") {
  connect({.batch_events_max = 50});
  CHECK(brain.room(now) == 50);
  const std::uint64_t first = send();
  const std::uint64_t second = send();
  CHECK(brain.room(now) == 0);
  answer(first, AnswerClass::acknowledged);
  CHECK(brain.room(now) == 0);
  answer(second, AnswerClass::acknowledged);
  CHECK(brain.room(now) == 50);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: half-open it sends one event, whose answer decides") {
  connect();
  brain.progressed(now, traffic);
  send();
  pass(seconds(5));
  REQUIRE(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(back_off() == seconds(30));
  brain.connected(now, {});
  CHECK(brain.breaker().state() == BreakerState::half_open);
  CHECK(brain.room(now) == 1);
  const std::uint64_t token = send();
  CHECK(brain.room(now) == 0);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.breaker().state() == BreakerState::closed);
  CHECK(brain.room(now) > 1);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: too few acknowledgements open the breaker") {
  options.breaker.success_percent_min = 50;
  Brain strict(options, random);
  strict.start(now);
  strict.advance(now, false);
  strict.connected(now, {});
  for (int i = 0; i < 20; ++i) {
    REQUIRE(strict.state() == UplinkState::online);
    const bool is_good = i < 9;
    const auto token = strict.sent(now, {});
    strict.answered(now, token,
                    {is_good ? AnswerClass::acknowledged : AnswerClass::suspect, "bad field", {}});
  }
  CHECK(strict.state() == UplinkState::waiting);
  CHECK(strict.breaker().state() == BreakerState::open);
  CHECK(strict.last_error().find("bad field") != std::string::npos);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: the upstream's own limit makes the window smaller") {
  connect({.in_flight_max = 2});
  CHECK(brain.room(now) == 2);
  send();
  send();
  CHECK(brain.room(now) == 0);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: each answer finds its event once, in any order") {
  connect();
  const std::uint64_t first = send(11);
  const std::uint64_t second = send(12);
  CHECK(brain.answered(now, second, {})->place == Place{0, 12});
  CHECK(brain.answered(now, first, {})->place == Place{0, 11});
  CHECK_FALSE(brain.answered(now, first, {}));
  CHECK_FALSE(brain.answered(now, 99, {}));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a lost link makes everything in flight void") {
  connect();
  const std::uint64_t token = send();
  lose();
  CHECK(brain.in_flight() == 0);
  CHECK_FALSE(brain.answered(now, token, {}));
  back_off();
  brain.connected(now, {});
  CHECK(send() != token);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: asked to slow down, it pauses without leaving the link") {
  connect();
  const std::uint64_t first = send();
  const std::uint64_t second = send();
  answer(first, AnswerClass::slow_down);
  answer(second, AnswerClass::slow_down);
  CHECK(brain.room(now) == 0);
  CHECK(brain.wake_up(now) == now + seconds(1));
  now += seconds(1);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  CHECK(brain.state() == UplinkState::online);
  CHECK(brain.room(now) == 10);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: pauses grow until something is acknowledged") {
  connect();
  for (const int expected : {1, 2, 4}) {
    answer(send(), AnswerClass::slow_down);
    CHECK(brain.wake_up(now) == now + seconds(expected));
    now = brain.wake_up(now);
  }
  answer(send(), AnswerClass::acknowledged);
  answer(send(), AnswerClass::slow_down);
  CHECK(brain.wake_up(now) == now + seconds(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a pause lasts as long as the upstream says, at most 1 h") {
  connect();
  brain.answered(now, send(), {AnswerClass::slow_down, "quota", seconds(90)});
  CHECK(brain.paused_until() == now + seconds(90));
  CHECK(brain.room(now + seconds(89)) == 0);
  now += seconds(90);
  brain.answered(now, send(), {AnswerClass::slow_down, "quota", hours(2)});
  CHECK(brain.paused_until() == now + hours(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: configuration refused for a request blocks it") {
  connect({.batch_events_max = 10});
  answer(send(), AnswerClass::configuration);
  CHECK(brain.state() == UplinkState::blocked);
  CHECK_FALSE(brain.has_bad_credentials());
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: refusals of an event leave the link alone") {
  connect();
  for (const AnswerClass meaning :
       {AnswerClass::configuration, AnswerClass::too_large, AnswerClass::suspect}) {
    answer(send(), meaning);
    CHECK(brain.state() == UplinkState::online);
    CHECK(brain.room(now) >= 8);
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: an event that could not be delivered breaks the link") {
  connect();
  answer(send(), AnswerClass::link_down);
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(back_off() == seconds(1));
}

}  // namespace
}  // namespace edgepost
