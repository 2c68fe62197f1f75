#include "uplink/batch.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>

namespace edgepost {
namespace {

using std::chrono::milliseconds;

TEST_CASE("batch: a refused request is halved until one event is alone") {
  BatchSize size(100);
  for (const std::size_t expected : {50U, 25U, 12U, 6U, 3U, 1U, 1U}) {
    size.refused(size.size());
    CHECK(size.size() == expected);
  }
}

TEST_CASE("batch: half of what was refused counts, where less was sent than allowed") {
  BatchSize size(100);
  size.refused(10);
  CHECK(size.size() == 5);
}

TEST_CASE("batch: full requests that are taken let it grow again, slowly, to its end") {
  BatchSize size(100);
  size.refused(100);
  const auto take = [&size](unsigned times, std::size_t events) {
    for (unsigned i = 0; i < times; ++i)
      size.taken(events);
  };
  take(BatchSize::kTakenToGrow - 1, 50);
  CHECK(size.size() == 50);
  take(100, 49);  // says nothing about fuller ones
  CHECK(size.size() == 50);
  take(1, 50);
  CHECK(size.size() == 100);
  take(1'000, 100);
  CHECK(size.size() == 100);
}

TEST_CASE("batch: when the bad event is found, requests are whole again") {
  BatchSize size(100);
  size.refused(2);
  size.isolated();
  CHECK(size.size() == 100);
}

TEST_CASE("batch: a request that is not full waits for more, a full one never") {
  Linger linger(milliseconds(50));
  const Instant now = Instant(milliseconds(1'000));
  CHECK(linger.ends_at() == Instant::max());
  CHECK(linger.due(now, true) == now);
  CHECK(linger.due(now, false) == now + milliseconds(50));
  CHECK(linger.due(now + milliseconds(20), false) == now + milliseconds(50));
  CHECK(linger.ends_at() == now + milliseconds(50));
  CHECK(linger.due(now + milliseconds(20), true) == now + milliseconds(20));
  CHECK(linger.due(now + milliseconds(60), false) == now + milliseconds(60));
  linger.end();
  CHECK(linger.ends_at() == Instant::max());
}

}  // namespace
}  // namespace edgepost
