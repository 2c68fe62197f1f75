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

TEST_CASE_FIXTURE(BrainFixture, "brain: it is stopped until it is started, then connects at once") {
  CHECK(brain.state() == UplinkState::stopped);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  CHECK(brain.wake_up(now) == Instant::max());
  brain.start(now);
  CHECK(brain.advance(now, may_probe) == LinkAction::connect);
  CHECK(brain.state() == UplinkState::connecting);
  CHECK(brain.room(now) == 0);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: it backs off exponentially up to the limit [P-31]") {
  brain.start(now);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
  for (const int expected : {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300}) {
    lose();
    CHECK(back_off() == seconds(expected));
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: an open breaker makes a short delay longer") {
  options.breaker.failure_threshold = 2;
  Brain guarded(options, random);
  guarded.start(now);
  guarded.advance(now, false);
  guarded.disconnected(now, {AnswerClass::link_down, "refused", {}});
  CHECK(guarded.due() == now + seconds(1));
  now = guarded.due();
  guarded.advance(now, false);
  guarded.disconnected(now, {AnswerClass::link_down, "refused", {}});
  CHECK(guarded.breaker().state() == BreakerState::open);
  CHECK(guarded.due() == now + seconds(30));
  now = guarded.due();
  REQUIRE(guarded.advance(now, false) == LinkAction::connect);
  CHECK(guarded.breaker().state() == BreakerState::half_open);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: the delay is drawn from the whole range down to 0 [P-31]") {
  brain.start(now);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
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
  REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
  CHECK(brain.wake_up(now) == now + options.connect_timeout);
  now += options.connect_timeout;
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(brain.last_error() == "not accepted within 10 s");
  CHECK(back_off() == seconds(1));
}

TEST_CASE_FIXTURE(BrainFixture, "brain: refused credentials are refreshed once, then block it") {
  brain.start(now);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
  lose(AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::waiting);
  CHECK(back_off() == Duration::zero());
  lose(AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::blocked);
  CHECK(brain.has_bad_credentials());
  brain.retry_now(now);
  CHECK(back_off() == Duration::zero());
  lose(AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::waiting);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: credentials that worked meanwhile are refreshed again") {
  connect();
  for (int i = 0; i < 3; ++i) {
    answer(send(), AnswerClass::credentials);
    CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
    CHECK(back_off() == Duration::zero());
    brain.connected(now, {});
    answer(send(), AnswerClass::acknowledged);
    now += options.retry.stable_after;
    REQUIRE(brain.advance(now, may_probe) == LinkAction::none);
  }
  lose(AnswerClass::credentials);
  back_off();
  brain.connected(now, {});
  answer(send(), AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::blocked);
}

TEST_CASE_FIXTURE(
    BrainFixture,
    "brain: taking one event and refusing us for the next gets longer delays [P-31]") {
  connect();
  for (const Duration delay : {seconds(0), seconds(1), seconds(2), seconds(4)}) {
    answer(send(), AnswerClass::acknowledged);
    lose(AnswerClass::credentials);
    CHECK(back_off() == delay);
    brain.connected(now, {});
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: once blocked it stays so, however long it waits") {
  for (const AnswerClass meaning : {AnswerClass::credentials, AnswerClass::configuration}) {
    options.blocked_retry = Duration::zero();
    Brain blocked(options, random);
    blocked.start(now);
    REQUIRE(blocked.advance(now, false) == LinkAction::connect);
    blocked.disconnected(now, {meaning, "not authorised", {}});
    if (meaning == AnswerClass::credentials) {
      REQUIRE(blocked.advance(now, false) == LinkAction::connect);
      blocked.disconnected(now, {meaning, "not authorised", {}});
    }
    CHECK(blocked.has_bad_credentials() == (meaning == AnswerClass::credentials));
    CHECK(blocked.state() == UplinkState::blocked);
    CHECK(blocked.last_error() == "not authorised");
    CHECK(blocked.wake_up(now) == Instant::max());
    CHECK(blocked.advance(now + hours(1'000), false) == LinkAction::none);
  }
}

TEST_CASE_FIXTURE(BrainFixture, "brain: retry_now leaves blocked and a back-off at once") {
  connect();
  lose();
  brain.retry_now(now);
  CHECK(brain.advance(now, may_probe) == LinkAction::connect);
  lose(AnswerClass::credentials);
  brain.retry_now(now);
  CHECK(brain.advance(now, may_probe) == LinkAction::connect);
  brain.connected(now, {});
  brain.retry_now(now);
  CHECK(brain.state() == UplinkState::online);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a stop awaits the answers of what is in flight") {
  connect();
  const std::uint64_t token = send();
  brain.stop(now + seconds(2));
  CHECK(brain.advance(now, may_probe) == LinkAction::none);
  CHECK(brain.state() == UplinkState::draining);
  CHECK(brain.room(now) == 0);
  answer(token, AnswerClass::acknowledged);
  CHECK(brain.wake_up(now) == now);
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(brain.state() == UplinkState::stopped);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a stop waits for answers until the deadline, no longer") {
  connect();
  send();
  brain.stop(now + seconds(2));
  brain.stop(now + seconds(3));
  CHECK(brain.wake_up(now) == now + seconds(3));
  now += seconds(3);
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(brain.state() == UplinkState::stopped);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: a link lost while stopping ends the stop") {
  connect();
  send();
  brain.stop(now + seconds(2));
  lose();
  CHECK(brain.state() == UplinkState::stopped);
  CHECK(brain.advance(now + seconds(9), may_probe) == LinkAction::none);
}

TEST_CASE_FIXTURE(BrainFixture,
                  "brain: without a link a stop is done at once, and it can restart") {
  connect();
  lose();
  brain.stop(now + seconds(2));
  CHECK(brain.state() == UplinkState::stopped);
  brain.start(now);
  CHECK(brain.advance(now, may_probe) == LinkAction::connect);
  brain.stop(now + seconds(2));
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
}

TEST_CASE_FIXTURE(BrainFixture, "brain: late news of a link that it left changes nothing") {
  brain.start(now);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
  lose();
  brain.connected(now, {});
  lose(AnswerClass::credentials);
  CHECK(brain.state() == UplinkState::waiting);
  CHECK(brain.connects() == 0);
  CHECK(brain.last_error() == "connection reset");
}

// A brain that may probe, and whose first attempt has found nobody.
struct ProbeFixture : BrainFixture {
  ProbeFixture() {
    may_probe = true;
    brain.start(now);
    REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
    for (int i = 0; i < 8; ++i) {
      fail();
      brain.retry_now(now);
      REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
    }
  }
  void fail() {
    Answer why{AnswerClass::link_down, "no route to host", {}};
    why.is_unreachable = true;
    brain.disconnected(now, why);
  }
  void expect_probe() {
    REQUIRE(brain.wake_up(now) <= now + milliseconds(500));
    now = std::max(now, brain.wake_up(now));
    REQUIRE(brain.advance(now, may_probe) == LinkAction::probe);
    CHECK(brain.advance(now, may_probe) == LinkAction::none);
  }
};

TEST_CASE_FIXTURE(ProbeFixture, "brain: when a probe finds someone it connects at once [P-30]") {
  fail();
  CHECK(brain.due() - now >= minutes(4));
  for (int i = 0; i < 20; ++i) {
    expect_probe();
    brain.probed(now, false);
  }
  expect_probe();
  brain.probed(now, true);
  CHECK(back_off() <= milliseconds(300));
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: after nobody was there the first someone is news [P-30]") {
  fail();
  expect_probe();
  brain.probed(now, true);
  CHECK(back_off() <= milliseconds(300));
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: probes and attempts that disagree do not spin [P-31]") {
  fail();
  expect_probe();
  brain.probed(now, true);
  CHECK(back_off() <= milliseconds(300));
  Duration before = Duration::zero();
  for (int i = 0; i < 4; ++i) {
    fail();
    expect_probe();
    brain.probed(now, true);
    const Duration delay = back_off();
    CHECK(delay > before);
    before = delay;
  }
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: someone who hung up is looked for once, and backed off") {
  lose();
  expect_probe();
  brain.probed(now, true);
  CHECK(back_off() > minutes(4));
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: someone who hung up and went away hastens by coming back") {
  lose();
  expect_probe();
  brain.probed(now, false);
  expect_probe();
  brain.probed(now, true);
  CHECK(back_off() <= milliseconds(300));
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: an attempt that began too early begins anew [P-30]") {
  now += milliseconds(500);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::probe);
  brain.probed(now, false);
  expect_probe();
  brain.probed(now, true);
  CHECK(brain.advance(now, may_probe) == LinkAction::disconnect);
  CHECK(brain.advance(now, may_probe) == LinkAction::connect);
  now += milliseconds(500);
  REQUIRE(brain.advance(now, may_probe) == LinkAction::probe);
  brain.probed(now, true);
  CHECK(brain.advance(now, may_probe) == LinkAction::none);  // it makes its way, if slowly
  CHECK(brain.state() == UplinkState::connecting);
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: without a use for it, or the wish, it never probes") {
  fail();
  CHECK(brain.advance(now + milliseconds(500), false) == LinkAction::none);
  options.probe_interval = Duration::zero();
  Brain quiet(options, random);
  quiet.start(now);
  REQUIRE(quiet.advance(now, true) == LinkAction::connect);
  CHECK(quiet.advance(now + seconds(9), true) == LinkAction::none);
  CHECK(quiet.wake_up(now) == now + seconds(10));
}

TEST_CASE_FIXTURE(ProbeFixture, "brain: a pause that the upstream asked for is not cut short") {
  brain.disconnected(now, {AnswerClass::link_down, "overloaded", minutes(10)});
  CHECK(brain.advance(now + minutes(9), may_probe) == LinkAction::none);
  CHECK(back_off() >= minutes(10));
}

}  // namespace
}  // namespace edgepost
