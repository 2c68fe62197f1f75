#include "subscriber/breaker.hpp"

#include <doctest.h>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

struct BreakerFixture {
  Breaker breaker{{.trip_after = 3, .open_for = 30s}};
  Instant now{1h};

  // One call of the handler; false when it was not to be called.
  bool call(bool works) {
    if (breaker.admit(now) > now) return false;
    works ? breaker.succeeded() : breaker.failed(now);
    return true;
  }
};

}  // namespace

TEST_CASE_FIXTURE(BreakerFixture, "breaker: it opens after so many failures in a row") {
  CHECK(call(false));
  CHECK(call(false));
  CHECK(call(true));
  CHECK(call(false));
  CHECK(call(false));
  CHECK_FALSE(breaker.is_open());
  CHECK(call(false));
  CHECK(breaker.is_open());
  CHECK_FALSE(call(true));
  CHECK(breaker.admit(now) == now + 30s);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: after the pause one call decides") {
  for (int i = 0; i < 3; ++i)
    CHECK(call(false));
  now += 30s;
  CHECK(breaker.admit(now) == now);
  CHECK(breaker.admit(now) == Instant::max());
  breaker.failed(now);
  CHECK(breaker.admit(now) == now + 30s);
  now += 30s;
  CHECK(call(true));
  CHECK_FALSE(breaker.is_open());
  CHECK(call(false));
  CHECK_FALSE(breaker.is_open());
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: a try without an event is no try") {
  for (int i = 0; i < 3; ++i)
    CHECK(call(false));
  now += 30s;
  CHECK(breaker.admit(now) == now);
  breaker.unused();
  CHECK(breaker.is_open());
  CHECK(breaker.admit(now) == now);
}

TEST_CASE_FIXTURE(BreakerFixture,
                  "breaker: calls begun before it opened do not prolong the pause") {
  for (int i = 0; i < 5; ++i)
    CHECK(breaker.admit(now) == now);
  for (int i = 0; i < 3; ++i)
    breaker.failed(now);
  breaker.failed(now + 20s);
  CHECK(breaker.admit(now) == now + 30s);
  breaker.succeeded();  // it works after all
  CHECK(breaker.admit(now) == now);
}

TEST_CASE_FIXTURE(BreakerFixture, "breaker: without a number it never opens") {
  breaker = Breaker({.trip_after = 0});
  for (int i = 0; i < 100; ++i)
    CHECK(call(false));
}
