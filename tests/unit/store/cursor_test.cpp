#include "store/cursor.hpp"

#include <doctest.h>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "sim/draw.hpp"

using namespace edgepost::store;

TEST_CASE("cursor: the floor climbs over what is settled, in any order") {
  Cursor cursor("cloud", Floor{});
  CHECK(cursor.settle(2, Outcome::expired));
  CHECK(cursor.settle(3, Outcome::acknowledged));
  CHECK(cursor.floor() == 0);
  CHECK(cursor.settle(1, Outcome::acknowledged));
  CHECK(cursor.floor() == 3);
  CHECK_FALSE(cursor.settle(2, Outcome::dead));
}

TEST_CASE("cursor: what it passed is remembered until the books have it") {
  Cursor cursor("cloud", Floor{});
  cursor.settle(1, Outcome::acknowledged);
  cursor.settle(2, Outcome::expired);
  cursor.settle(3, Outcome::expired);
  CHECK(cursor.snapshot().passed ==
        std::vector<edgepost::store::Run>{{Outcome::acknowledged, 1}, {Outcome::expired, 2}});
  cursor.forget_passed(2);
  CHECK(cursor.snapshot().passed == std::vector<edgepost::store::Run>{{Outcome::expired, 1}});
  CHECK(cursor.snapshot().passed_from == 2);
}

TEST_CASE("cursor: raising settles what is open and leaves the rest as it was") {
  Cursor cursor("cloud", Floor{});
  cursor.settle(2, Outcome::acknowledged);
  cursor.settle(6, Outcome::acknowledged);
  cursor.raise(5, Outcome::max_bytes);
  CHECK(cursor.floor() == 6);
  CHECK(cursor.snapshot().passed == std::vector<edgepost::store::Run>{{Outcome::max_bytes, 1},
                                                                      {Outcome::acknowledged, 1},
                                                                      {Outcome::max_bytes, 3},
                                                                      {Outcome::acknowledged, 1}});
  cursor.raise(4, Outcome::max_age);  // behind it: nothing changes
  CHECK(cursor.floor() == 6);
}

TEST_CASE("cursor: what is settled above the floor is kept as ranges, however far [P-20]") {
  Cursor cursor("cloud", Floor{});
  for (std::uint64_t sequence = 1'000'001; sequence <= 1'000'900; ++sequence)
    CHECK(cursor.settle(sequence, Outcome::acknowledged));
  CHECK(cursor.ranges() == 1);
  cursor.settle(500, 2'000'000, Outcome::replaced);  // leaves the others as they are
  CHECK(cursor.snapshot().above == std::deque<Range>{{500, 1'000'000, Outcome::replaced},
                                                     {1'000'001, 1'000'900, Outcome::acknowledged},
                                                     {1'000'901, 2'000'000, Outcome::replaced}});
  cursor.raise(499, Outcome::acknowledged);
  CHECK(cursor.floor() == 2'000'000);
  CHECK(cursor.ranges() == 0);
}

TEST_CASE("cursor: its news are told once, the last ranges first [P-12]") {
  Cursor cursor("cloud", Floor{});
  cursor.settle(9, Outcome::acknowledged);
  cursor.settle(5, 6, Outcome::acknowledged);
  cursor.settle(3, Outcome::expired);
  Cursor::News news = cursor.take_news(64);
  CHECK(news.floor == 0);
  CHECK(news.above == std::vector<Range>{{9, 9}, {5, 6}});
  cursor.settle(1, Outcome::acknowledged);
  news = cursor.take_news(64);
  CHECK(news.floor == 1);
  CHECK(news.above.empty());
  cursor.settle(12, Outcome::acknowledged);
  CHECK(cursor.take_news(1).above == std::vector<Range>{{12, 12}});
  CHECK_FALSE(cursor.take_news(8).is_urgent);
  cursor.fresh_to = 14;
  cursor.settle(14, Outcome::acknowledged);
  CHECK(cursor.take_news(8).is_urgent);  // four pieces
  cursor.forget_passed(1);
  cursor.settle(16, Outcome::acknowledged);
  CHECK_FALSE(cursor.take_news(8).is_urgent);
}

TEST_CASE("cursor: it does what a list of outcomes does, whatever happens") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    edgepost::sim::Draw draw(seed);
    Cursor cursor("cloud", Floor{});
    std::map<std::uint64_t, Outcome> settled;
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t from = 1 + draw.below(80);
      const std::uint64_t to = from + draw.below(6);
      const auto outcome = static_cast<Outcome>(1 + draw.below(3));
      const std::uint64_t first = draw.below(10) == 0 ? 1 : from;  // as raise() does it
      const std::size_t before = settled.size();
      for (std::uint64_t i = first; i <= to; ++i)
        settled.try_emplace(i, outcome);
      if (first == from) {
        CHECK(cursor.settle(from, to, outcome) == (settled.size() > before));
      } else {
        cursor.raise(to, outcome);
      }
      const Floor now = cursor.snapshot();
      std::vector<edgepost::store::Run> passed;
      for (std::uint64_t i = 1; i <= now.floor; ++i)
        add_run(passed, settled.at(i), 1);
      REQUIRE(now.passed == passed);
      CHECK_FALSE(settled.contains(now.floor + 1));
      for (std::uint64_t i = now.floor + 1; i <= 90; ++i)
        REQUIRE(now.outcome(i) == (settled.contains(i) ? settled.at(i) : Outcome::open));
      const auto is_joined = [](const Range& a, const Range& b) {
        return b.from < a.to + 1 || (b.from == a.to + 1 && a.outcome == b.outcome);
      };
      CHECK(std::adjacent_find(now.above.begin(), now.above.end(), is_joined) == now.above.end());
    }
  }
}
