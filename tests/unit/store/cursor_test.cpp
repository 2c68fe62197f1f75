#include "store/cursor.hpp"

#include <doctest.h>

#include <vector>

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
        std::vector<Run>{{Outcome::acknowledged, 1}, {Outcome::expired, 2}});
  cursor.forget_passed(2);
  CHECK(cursor.snapshot().passed == std::vector<Run>{{Outcome::expired, 1}});
  CHECK(cursor.snapshot().passed_from == 2);
}

TEST_CASE("cursor: raising settles what is open and leaves the rest as it was") {
  Cursor cursor("cloud", Floor{});
  cursor.settle(2, Outcome::acknowledged);
  cursor.settle(6, Outcome::acknowledged);
  cursor.raise(5, Outcome::max_bytes);
  CHECK(cursor.floor() == 6);
  CHECK(cursor.snapshot().passed == std::vector<Run>{{Outcome::max_bytes, 1},
                                                     {Outcome::acknowledged, 1},
                                                     {Outcome::max_bytes, 3},
                                                     {Outcome::acknowledged, 1}});
  cursor.raise(4, Outcome::max_age);  // behind it: nothing changes
  CHECK(cursor.floor() == 6);
}
