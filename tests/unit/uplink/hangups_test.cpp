#include "uplink/hangups.hpp"

#include <doctest.h>

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace edgepost {
namespace {

struct HangupsFixture {
  bool lose(std::initializer_list<std::uint64_t> sequences) {
    std::vector<Place> places;
    for (const std::uint64_t sequence : sequences)
      places.push_back({0, sequence});
    return hangups.lost(places);
  }
  void pass(std::uint64_t sequence) { hangups.acknowledged({0, sequence}); }
  void make_culprit(std::uint64_t sequence) {
    for (unsigned i = 0; i < Hangups::kSeveral; ++i)
      CHECK_FALSE(lose({sequence}));
    REQUIRE(hangups.guilt({0, sequence}) != nullptr);
    CHECK(*hangups.guilt({0, sequence}) == 0);
  }
  Hangups hangups;
};

TEST_CASE_FIXTURE(HangupsFixture,
                  "hangups: two in a row with an event in common, then one by one") {
  lose({1, 2, 3});
  CHECK_FALSE(hangups.is_one_at_a_time());
  lose({3, 4, 5});
  CHECK(hangups.is_one_at_a_time());
  pass(3);
  CHECK_FALSE(hangups.is_one_at_a_time());
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: losses with nothing in common suspect nothing") {
  lose({1, 2});
  lose({3, 4});
  CHECK_FALSE(hangups.is_one_at_a_time());
  lose({5});
  CHECK(hangups.guilt({0, 5}) == nullptr);
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: what was answered between is not in common") {
  lose({1});
  pass(1);
  lose({1});
  CHECK(hangups.guilt({0, 1}) == nullptr);
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: guilty is who dies alone after others passed [P-11]") {
  make_culprit(1);
  CHECK_FALSE(hangups.is_ready({0, 1}));
  CHECK(hangups.is_one_at_a_time());
  for (unsigned guilt = 1; guilt <= 3; ++guilt) {
    pass(1 + guilt);
    CHECK(hangups.is_ready({0, 1}));
    CHECK(lose({1}));
    CHECK(*hangups.guilt({0, 1}) == guilt);
  }
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: where no other passed nobody is guilty [P-14]") {
  make_culprit(1);
  for (int i = 0; i < 10; ++i)
    CHECK_FALSE(lose({1}));
  CHECK(*hangups.guilt({0, 1}) == 0);
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: a culprit that passes clears all: it was the link") {
  make_culprit(1);
  make_culprit(2);
  pass(3);
  CHECK(lose({2}));
  pass(1);
  CHECK(hangups.guilt({0, 1}) == nullptr);
  CHECK(hangups.guilt({0, 2}) == nullptr);
  CHECK_FALSE(hangups.is_one_at_a_time());
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: what does not come again is not waited for") {
  lose({1, 2});
  lose({1, 2});
  for (std::uint64_t i = 0; i < Hangups::kPatience; ++i)
    pass(3 + i);
  CHECK(hangups.is_one_at_a_time());
  pass(1'000);
  CHECK_FALSE(hangups.is_one_at_a_time());
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: what comes later in its stream is waited for [P-11]") {
  constexpr std::uint64_t kLarge = 10'000;
  lose({1, kLarge});
  lose({1, kLarge});
  for (std::uint64_t i = 1; i < kLarge; ++i)
    pass(i);
  CHECK(hangups.is_one_at_a_time());
  CHECK_FALSE(lose({kLarge}));
  CHECK(hangups.guilt({0, kLarge}) != nullptr);
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: what has gone for good is forgotten") {
  make_culprit(1);
  hangups.forget({0, 1});
  CHECK(hangups.guilt({0, 1}) == nullptr);
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: after several tries it does not hurry the others") {
  make_culprit(1);
  for (unsigned i = 0; i < Hangups::kSoon; ++i) {
    CHECK(hangups.is_one_at_a_time());
    pass(2);
    CHECK(lose({1}));
  }
  CHECK_FALSE(hangups.is_one_at_a_time());
  hangups.clear_the_way();
  CHECK(hangups.is_one_at_a_time());
}

TEST_CASE_FIXTURE(HangupsFixture, "hangups: of many culprits the oldest are forgotten [P-20]") {
  for (std::uint64_t i = 1; i <= Hangups::kCulpritsMax + 1; ++i)
    make_culprit(i);
  CHECK(hangups.guilt({0, 1}) == nullptr);
  CHECK(hangups.guilt({0, 2}) != nullptr);
}

}  // namespace
}  // namespace edgepost
