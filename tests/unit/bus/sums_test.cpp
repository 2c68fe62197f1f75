#include "bus/sums.hpp"

#include <doctest.h>

#include <chrono>
#include <limits>
#include <string>
#include <vector>

using edgepost::Instant;
using edgepost::bus::Sums;
using edgepost::bus::to_json;
using namespace std::chrono_literals;

namespace {

Instant at(edgepost::Duration since) { return Instant(since); }

// What ends by `now`, as `topic begin json` in ms.
std::vector<std::string> taken(Sums& sums, Instant now) {
  std::vector<std::string> lines;
  while (const auto span = sums.take(now)) {
    for (const auto& [topic, sum] : span->topics) {
      const edgepost::WindowSummary summary = sum.summary(topic, span->begin);
      lines.push_back(topic + " " + std::to_string(summary.begin.time_since_epoch() / 1ms) + " " +
                      to_json(summary));
    }
  }
  return lines;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("sums: each topic is summed up for itself, when its window has ended") {
  Sums sums(100ms, 10);
  CHECK(sums.end() == Instant::max());
  CHECK(sums.add("b", 4, at(1'010ms)));
  CHECK(sums.add("a", -1, at(1'020ms)));
  CHECK(sums.add("b", 1, at(1'099ms)));
  CHECK(sums.end() == at(1'100ms));
  CHECK(taken(sums, at(1'099ms)).empty());
  CHECK(taken(sums, at(1'100ms)) ==
        Lines{R"(a 1000 {"count":1,"min":-1,"max":-1,"avg":-1,"last":-1})",
              R"(b 1000 {"count":2,"min":1,"max":4,"avg":2.5,"last":1})"});
  CHECK(sums.end() == Instant::max());
}

TEST_CASE("sums: a value at the end of a window is of the next one") {
  Sums sums(100ms, 10);
  CHECK(sums.add("a", 1, at(99ms)));
  CHECK(sums.add("a", 2, at(100ms)));
  CHECK(taken(sums, at(150ms)) == Lines{R"(a 0 {"count":1,"min":1,"max":1,"avg":1,"last":1})"});
  CHECK(sums.end() == at(200ms));
}

TEST_CASE("sums: a value whose time was read before another's goes into the newest window") {
  Sums sums(100ms, 10);
  CHECK(sums.add("a", 2, at(100ms)));
  CHECK(sums.add("a", 1, at(99ms)));
  CHECK(taken(sums, at(200ms)) == Lines{R"(a 100 {"count":2,"min":1,"max":2,"avg":1.5,"last":1})"});
}

TEST_CASE("sums: topics and windows that nobody takes are bounded") {
  Sums sums(100ms, 2);
  CHECK(sums.add("a", 1, at(0ms)));
  CHECK(sums.add("b", 1, at(0ms)));
  CHECK_FALSE(sums.add("c", 1, at(0ms)));
  CHECK(sums.add("b", 2, at(0ms)));
  CHECK(sums.add("c", 1, at(100ms)));
  CHECK(sums.add("c", 1, at(900ms)));
  CHECK_FALSE(sums.add("c", 1, at(1'000ms)));
  CHECK(sums.take(at(1'000ms)).has_value());
  CHECK(sums.add("c", 1, at(1'000ms)));
}

TEST_CASE("sums: the average of the largest numbers is one, and of small ones exact") {
  Sums sums(1ms, 1);
  const double largest = std::numeric_limits<double>::max();
  for (const double value : {largest, largest, largest})
    CHECK(sums.add("a", value, at(0ms)));
  CHECK(sums.take(at(1ms))->topics.at("a").summary("a", at(0ms)).average == largest);
  for (const double value : {0.1, 0.1, 0.1, 0.1})
    CHECK(sums.add("a", value, at(0ms)));
  CHECK(sums.take(at(1ms))->topics.at("a").summary("a", at(0ms)).average == 0.1);
}
