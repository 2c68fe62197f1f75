#pragma once

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "support/fake_random.hpp"
#include "uplink/brain.hpp"

namespace edgepost::test {

/// A brain with its longest back-off delays, unless a case says otherwise: 1 s, 2 s, 4 s, …
struct BrainFixture {
  BrainFixture() { random.fix_jitter(1.0); }

  void connect(const PeerLimits& limits = {}) {
    brain.start(now);
    REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
    brain.connected(now, limits);
  }
  std::uint64_t send(std::uint64_t slot = 0) { return brain.sent(now, Place{0, slot}); }
  void lose(AnswerClass meaning = AnswerClass::link_down, const char* reason = "connection reset") {
    brain.disconnected(now, {meaning, reason, {}});
  }
  void answer(std::uint64_t token, AnswerClass meaning) {
    brain.answered(now, token, {meaning, "said so", {}});
  }
  // Time passes, and the driver looks at the progress now and then.
  void pass(Duration length) {
    const Instant end = now + length;
    while (now < end) {
      now = std::min(end, now + std::chrono::milliseconds(500));
      brain.progressed(now, traffic);
    }
  }
  // How long the brain waits before it connects; it has connected when this returns.
  Duration back_off() {
    REQUIRE(brain.state() == UplinkState::waiting);
    const Duration delay = brain.wake_up(now) - now;
    if (delay > Duration::zero()) {
      now += delay - Duration(1);
      CHECK(brain.advance(now, may_probe) == LinkAction::none);
      now += Duration(1);
    }
    REQUIRE(brain.advance(now, may_probe) == LinkAction::connect);
    return delay;
  }

  static UplinkOptions patient() {
    UplinkOptions options;
    options.breaker.failure_threshold = 1'000;
    return options;
  }

  UplinkOptions options = patient();
  FakeRandom random;
  Instant now = Instant(std::chrono::hours(1));
  Brain brain{options, random};
  bool may_probe = false;
  Traffic traffic;
};

}  // namespace edgepost::test
