#include "uplink/suspects.hpp"

#include <doctest.h>

#include <cstdint>

namespace edgepost {
namespace {

struct SuspectsFixture {
  bool refuse(std::uint64_t sequence, bool is_last = false, bool has_others = true) {
    return suspects.refused({0, sequence}, is_last, has_others);
  }
  Suspects suspects;
};

TEST_CASE_FIXTURE(SuspectsFixture, "suspects: each refusal of one event counts but the last") {
  for (int i = 0; i < 4; ++i)
    CHECK(refuse(1));
  CHECK_FALSE(refuse(1, true));
  CHECK(suspects.contains({0, 1}));
  CHECK_FALSE(suspects.is_upstream_suspected());
}

TEST_CASE_FIXTURE(SuspectsFixture, "suspects: the last counts once others have passed [P-11]") {
  CHECK(refuse(1));
  CHECK_FALSE(refuse(1, true));
  suspects.acknowledged({0, 2});
  CHECK(refuse(1, true));
}

TEST_CASE_FIXTURE(SuspectsFixture,
                  "suspects: those that passed before its first refusal are none") {
  suspects.acknowledged({0, 2});
  CHECK_FALSE(refuse(1, true));
}

TEST_CASE_FIXTURE(SuspectsFixture, "suspects: where there are no others to try, the last counts") {
  CHECK(refuse(1, true, false));
}

TEST_CASE_FIXTURE(SuspectsFixture,
                  "suspects: several refused and none passed, and nothing counts") {
  CHECK(refuse(1));
  CHECK(refuse(2));
  CHECK_FALSE(refuse(3));
  CHECK(suspects.is_upstream_suspected());
  CHECK_FALSE(refuse(1));
  CHECK_FALSE(refuse(4, true, false));
  CHECK(suspects.uncounted({0, 1}) == 1);
  suspects.acknowledged({0, 5});
  CHECK_FALSE(suspects.is_upstream_suspected());
  CHECK(refuse(1, true));
  CHECK(suspects.uncounted({0, 1}) == 0);
}

TEST_CASE_FIXTURE(SuspectsFixture,
                  "suspects: several refused, and what others have passed counts [P-11]") {
  CHECK(refuse(1));
  suspects.acknowledged({0, 5});
  CHECK(refuse(2));
  CHECK(refuse(3));
  CHECK(refuse(1));
  CHECK(suspects.is_upstream_suspected());
  CHECK_FALSE(refuse(2));
  CHECK(refuse(1, true));
}

TEST_CASE_FIXTURE(SuspectsFixture, "suspects: one event refused again and again is not several") {
  for (int i = 0; i < 10; ++i)
    CHECK(refuse(1));
  CHECK_FALSE(suspects.is_upstream_suspected());
}

TEST_CASE_FIXTURE(SuspectsFixture, "suspects: another upstream is not suspected of the same") {
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
    refuse(sequence);
  suspects.clear_upstream();
  CHECK_FALSE(suspects.is_upstream_suspected());
  CHECK(suspects.contains({0, 1}));
}

TEST_CASE_FIXTURE(SuspectsFixture,
                  "suspects: what is done with is forgotten, and the oldest [P-20]") {
  refuse(1);
  suspects.acknowledged({0, 1});
  CHECK_FALSE(suspects.contains({0, 1}));
  refuse(2);
  suspects.forget({0, 2});
  CHECK_FALSE(suspects.contains({0, 2}));
  for (std::uint64_t sequence = 1; sequence <= Suspects::kEventsMax + 1; ++sequence)
    refuse(sequence);
  CHECK_FALSE(suspects.contains({0, 1}));
  CHECK(suspects.contains({0, 2}));
  CHECK(suspects.contains({0, Suspects::kEventsMax + 1}));
}

}  // namespace
}  // namespace edgepost
