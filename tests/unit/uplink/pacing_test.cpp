#include "uplink/pacing.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

TEST_CASE("pacing: a bucket fills at its rate, up to its depth") {
  TokenBucket bucket(10, 5);
  Instant now = Instant(hours(1));
  CHECK(bucket.available(now) == 5);
  bucket.take(5);
  CHECK(bucket.available(now) == 0);
  CHECK(bucket.due() == now + milliseconds(100));
  CHECK(bucket.available(now + milliseconds(250)) == 2);
  CHECK(bucket.available(now + hours(9)) == 5);
}

TEST_CASE("pacing: what was overdrawn is made up for") {
  TokenBucket bucket(10, 5);
  const Instant now = Instant(hours(1));
  bucket.available(now);
  bucket.take(25);
  CHECK(bucket.due() == now + milliseconds(2'100));
  CHECK(bucket.available(now + milliseconds(2'099)) == 0);
  CHECK(bucket.available(now + milliseconds(2'100)) == 1);
}

TEST_CASE("pacing: without a depth it is what a second brings, without a rate no limit") {
  TokenBucket second(7, 0);
  CHECK(second.available(Instant()) == 7);
  TokenBucket unlimited(0, 3);
  unlimited.take(1'000);
  CHECK(unlimited.available(Instant()) == kNoLimit);
  CHECK(unlimited.due() == Instant());
}

TEST_CASE("pacing: the largest numbers do not overflow") {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  TokenBucket bucket(kHuge, kHuge);
  const Instant now = Instant(hours(1));
  bucket.available(now);
  for (int i = 0; i < 100; ++i) {
    bucket.take(std::numeric_limits<std::int64_t>::max());
    CHECK(bucket.due() > now);
    bucket.available(now);
  }
  CHECK(bucket.available(now + hours(24 * 365)) > 0);
}

TEST_CASE("pacing: over a long time the rate of events holds [P-30]") {
  Pacer pacer({.events_per_second = 50, .burst_events = 10});
  Instant now = Instant(hours(1));
  std::size_t sent = 0;
  for (const Instant end = now + seconds(60); now < end; now = std::max(now, pacer.due())) {
    for (std::size_t n = pacer.events(now); n > 0; --n) {
      pacer.sent(100);
      ++sent;
    }
  }
  CHECK(sent <= 60 * 50 + 10);
  CHECK(sent >= 60 * 50);
}

TEST_CASE("pacing: bytes are those of the wire, guessed until they are counted") {
  Pacer pacer({.bytes_per_second = 1'000});
  const Instant now = Instant(hours(1));
  CHECK(pacer.bytes(now) == 1'000);
  pacer.sent(400);
  CHECK(pacer.bytes(now) == 600);
  pacer.counted(300);
  CHECK(pacer.bytes(now) == 600);
  pacer.counted(300);
  CHECK(pacer.bytes(now) == 400);
}

TEST_CASE("pacing: what was guessed too high is given back when nothing is on its way") {
  Pacer pacer({.bytes_per_second = 1'000});
  const Instant now = Instant(hours(1));
  pacer.bytes(now);
  pacer.sent(800);
  pacer.counted(100);
  pacer.idle();
  CHECK(pacer.bytes(now) == 900);
}

TEST_CASE("pacing: without limits nothing waits") {
  Pacer pacer({});
  pacer.sent(1'000'000);
  CHECK_FALSE(pacer.is_limited());
  CHECK(pacer.events(Instant()) == kNoLimit);
  CHECK(pacer.bytes(Instant()) == kNoLimit);
  CHECK(pacer.due() == Instant());
}

}  // namespace
}  // namespace edgepost
