#include "uplink/brain.hpp"

#include <doctest.h>

#include <chrono>
#include <string>

#include "support/fake_random.hpp"

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// A brain with its longest back-off delays, unless a case says otherwise: 1 s, 2 s, 4 s, …
struct BrainFixture {
  BrainFixture() { random.fix_jitter(1.0); }

  void connect(const PeerLimits& limits = {}) {
    brain.start(now);
    REQUIRE(brain.advance(now) == LinkAction::connect);
    brain.connected(now, limits);
  }
  std::uint64_t send(std::uint64_t slot = 0) { return brain.sent(now, Place{0, slot}); }
  void lose(AnswerClass meaning = AnswerClass::link_down, const char* reason = "connection reset") {
    brain.disconnected(now, {meaning, reason, {}});
  }
  void answer(std::uint64_t token, AnswerClass meaning) {
    brain.answered(now, token, {meaning, "said so", {}});
  }
  // How long the brain waits before it connects; it has connected when this returns.
  Duration back_off() {
    REQUIRE(brain.state() == UplinkState::waiting);
    const Duration delay = brain.wake_up(now) - now;
    if (delay > Duration::zero()) {
      now += delay - Duration(1);
      CHECK(brain.advance(now) == LinkAction::none);
      now += Duration(1);
    }
    REQUIRE(brain.advance(now) == LinkAction::connect);
    return delay;
  }

  UplinkOptions options;
  test::FakeRandom random;
  Instant now = Instant(hours(1));
  Brain brain{options, random};
};

TEST_CASE_FIXTURE(BrainFixture, "brain: it is stopped until it is started, then connects at once") {
  CHECK(brain.state() == UplinkState::stopped);
  CHECK(brain.advance(now) == LinkAction::none);
  CHECK(brain.wake_up(now) == Instant::max());
  brain.start(now);
  CHECK(brain.advance(now) == LinkAction::connect);
  CHECK(brain.state() == UplinkState::connecting);
  CHECK(brain.room(now) == 0);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: it backs off exponentially up to the limit [P-31]") {
  brain.start(now);
  REQUIRE(brain.advance(now) == LinkAction::connect);
  for (const int expected : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300}) {
    lose();
    CHECK(back_off() == seconds(expected));
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: the delay is drawn from the whole range down to 0 [P-31]") {
  brain.start(now);
  REQUIRE(brain.advance(now) == LinkAction::connect);
  random.fix_jitter(0.25);
  lose();
  CHECK(back_off() == milliseconds(250));
  lose();
  CHECK(back_off() == milliseconds(500));
  random.fix_jitter(0.0);
  lose();
  CHECK(back_off() == Duration::zero());
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a broker that accepts and drops us is backed off [P-31]") {
  connect();
  for (const int expected : {1, 2, 4, 8}) {
    now += seconds(29);
    lose();
    CHECK(back_off() == seconds(expected));
    brain.connected(now, {});
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a connection that held makes the next delay short [P-31]") {
  connect();
  lose();
  back_off();
  lose();
  CHECK(back_off() == seconds(2));
  brain.connected(now, {});
  now += seconds(30);
  lose();
  CHECK(back_off() == seconds(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a pause that the upstream asked for is kept [P-31]") {
  connect();
  brain.disconnected(now, {AnswerClass::slow_down, "server busy", minutes(10)});
  CHECK(back_off() == minutes(10));
  brain.disconnected(now, {AnswerClass::slow_down, "server busy", hours(50)});
  CHECK(back_off() == hours(1));
  brain.disconnected(now, {AnswerClass::slow_down, "server busy", milliseconds(1)});
  CHECK(back_off() == seconds(4));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a connection that is not accepted in time is given up") {
  brain.start(now);
  REQUIRE(brain.advance(now) == LinkAction::connect);
  CHECK(brain.wake_up(now) == now + options.connect_timeout);
  now += options.connect_timeout;
  CHECK(brain.advance(now) == LinkAction::disconnect);
  CHECK(brain.last_error() == "not accepted within 10 s");
  CHECK(back_off() == seconds(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: an event that is not answered in time breaks the link") {
  connect();
  const std::uint64_t first = send();
  now += seconds(10);
  const std::uint64_t second = send();
  answer(first, AnswerClass::acknowledged);
  CHECK(brain.wake_up(now) == now + options.breaker.trip_after);
  now += options.breaker.trip_after - Duration(1);
  CHECK(brain.advance(now) == LinkAction::none);
  now += Duration(1);
  CHECK(brain.advance(now) == LinkAction::disconnect);
  CHECK(brain.last_error() == "no answer for 5 s");
  CHECK(brain.in_flight() == 0);
  CHECK_FALSE(brain.answered(now, second, {}));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: room is the window less what is in flight") {
  connect();
  CHECK(brain.room(now) == 64);
  const std::uint64_t token = send();
  CHECK(brain.room(now) == 63);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.room(now) == 64);
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
  CHECK(brain.answered(now, second, {}) == Place{0, 12});
  CHECK(brain.answered(now, first, {}) == Place{0, 11});
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
  CHECK(brain.advance(now) == LinkAction::none);
  CHECK(brain.state() == UplinkState::online);
  CHECK(brain.room(now) == 64);
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
  CHECK(brain.wake_up(now) == now + seconds(90));
  now += seconds(90);
  brain.answered(now, send(), {AnswerClass::slow_down, "quota", hours(2)});
  CHECK(brain.wake_up(now) == now + hours(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: refused credentials block it, however long it waits") {
  for (const AnswerClass meaning : {AnswerClass::credentials, AnswerClass::configuration}) {
    Brain blocked(options, random);
    blocked.start(now);
    REQUIRE(blocked.advance(now) == LinkAction::connect);
    blocked.disconnected(now, {meaning, "not authorised", {}});
    CHECK(blocked.state() == UplinkState::blocked);
    CHECK(blocked.last_error() == "not authorised");
    CHECK(blocked.wake_up(now) == Instant::max());
    CHECK(blocked.advance(now + hours(1'000)) == LinkAction::none);
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: credentials refused for one event block it as well") {
  connect();
  answer(send(), AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::blocked);
  CHECK(brain.advance(now) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: refusals of an event leave the link alone") {
  connect();
  for (const AnswerClass meaning :
       {AnswerClass::configuration, AnswerClass::too_large, AnswerClass::suspect}) {
    answer(send(), meaning);
    CHECK(brain.state() == UplinkState::online);
    CHECK(brain.room(now) == 64);
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: an event that could not be delivered breaks the link") {
  connect();
  answer(send(), AnswerClass::link_down);
  CHECK(brain.advance(now) == LinkAction::disconnect);
  CHECK(back_off() == seconds(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: retry_now leaves blocked and a back-off at once") {
  connect();
  lose();
  brain.retry_now(now);
  CHECK(brain.advance(now) == LinkAction::connect);
  lose(AnswerClass::credentials);
  brain.retry_now(now);
  CHECK(brain.advance(now) == LinkAction::connect);
  brain.connected(now, {});
  brain.retry_now(now);
  CHECK(brain.state() == UplinkState::online);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a stop awaits the answers of what is in flight") {
  connect();
  const std::uint64_t token = send();
  brain.stop(now + seconds(2));
  CHECK(brain.advance(now) == LinkAction::none);
  CHECK(brain.state() == UplinkState::draining);
  CHECK(brain.room(now) == 0);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.wake_up(now) == now);
  CHECK(brain.advance(now) == LinkAction::disconnect);
  CHECK(brain.state() == UplinkState::stopped);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a stop waits for answers until the deadline, no longer") {
  connect();
  send();
  brain.stop(now + seconds(2));
  brain.stop(now + seconds(3));
  CHECK(brain.wake_up(now) == now + seconds(3));
  now += seconds(3);
  CHECK(brain.advance(now) == LinkAction::disconnect);
  CHECK(brain.state() == UplinkState::stopped);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a link lost while stopping ends the stop") {
  connect();
  send();
  brain.stop(now + seconds(2));
  lose();
  CHECK(brain.state() == UplinkState::stopped);
  CHECK(brain.advance(now + seconds(9)) == LinkAction::none);
}

TEST_CASE_FIXTURE(BrainFixture,
                  "brain: without a link a stop is done at once, and it can restart") {
  connect();
  lose();
  brain.stop(now + seconds(2));
  CHECK(brain.state() == UplinkState::stopped);
  brain.start(now);
  CHECK(brain.advance(now) == LinkAction::connect);
  brain.stop(now + seconds(2));
  CHECK(brain.advance(now) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: late news of a link that it left changes nothing") {
  brain.start(now);
  REQUIRE(brain.advance(now) == LinkAction::connect);
  lose();
  brain.connected(now, {});
  lose(AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::waiting);
  CHECK(brain.connects() == 0);
  CHECK(brain.last_error() == "connection reset");
}

}  // namespace
}  // namespace edgepost
