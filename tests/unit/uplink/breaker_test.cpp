#include "uplink/breaker.hpp"

#include <doctest.h>

#include <chrono>

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct BreakerFixture {
  void fail(int times) {
    for (int i = 0; i < times; ++i)
      breaker.failed(now);
  }
  CircuitBreaker policy;
  EndpointBreaker breaker{policy};
  Instant now = Instant(hours(1));
};

TEST_CASE_FIXTURE(BreakerFixture, "breaker: it opens after so many failures in a row") {
  fail(4);
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.due() <= now);
  fail(1);
  CHECK(breaker.state() == BreakerState::open);
  CHECK(breaker.due() == now + seconds(30));
  CHECK(breaker.calls_max() == 0);
  CHECK(breaker.trips() == 1);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: a connection that held ends the row") {
  fail(4);
  breaker.held();
  fail(4);
  CHECK(breaker.state() == BreakerState::closed);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: more failures while open do not prolong it") {
  fail(5);
  const Instant due = breaker.due();
  now += seconds(29);
  fail(3);
  breaker.trip(now);
  CHECK(breaker.due() == due);
  CHECK(breaker.trips() == 1);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: half-open a failure opens it, an answer closes it") {
  fail(5);
  now += seconds(30);
  breaker.try_again();
  CHECK(breaker.state() == BreakerState::half_open);
  CHECK(breaker.calls_max() == policy.half_open_max_calls);
  fail(1);
  CHECK(breaker.state() == BreakerState::open);
  CHECK(breaker.due() == now + seconds(30));
  breaker.try_again();
  CHECK(breaker.answered(now, false));
  CHECK(breaker.state() == BreakerState::half_open);
  CHECK(breaker.answered(now, true));
  CHECK(breaker.state() == BreakerState::closed);
  CHECK(breaker.trips() == 2);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: an overdue answer opens it at once [P-32]") {
  breaker.trip(now);
  CHECK(breaker.state() == BreakerState::open);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: too few acknowledgements among 20 answers open it") {
  policy.success_percent_min = 80;
  EndpointBreaker strict(policy);
  for (int i = 0; i < 16; ++i)
    CHECK(strict.answered(now, true));
  for (int i = 0; i < 4; ++i)
    CHECK(strict.answered(now, false));
  CHECK(strict.success_percent() == 80);
  CHECK_FALSE(strict.answered(now, false));
  CHECK(strict.state() == BreakerState::open);
  CHECK(strict.success_percent() == 100);  // what comes is judged by itself
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: the share of acknowledgements is that of the last 20") {
  for (int i = 0; i < 30; ++i)
    breaker.answered(now, false);
  CHECK(breaker.success_percent() == 0);
  for (int i = 0; i < 10; ++i)
    breaker.answered(now, true);
  CHECK(breaker.success_percent() == 50);
}

}  // namespace
}  // namespace edgepost
