#include "document/view.hpp"

#include <doctest.h>

#include "document/edit.hpp"
#include "document/merge.hpp"

namespace edgepost::document {
namespace {

using Kind = Edit::Kind;

struct ViewFixture {
  const Policies policies{{{"*", "both", Policy::keep_both},
                           {"*", "cloud", Policy::cloud_first},
                           {"*", "device", Policy::device_first},
                           {"*", "three", Policy::merge_three},
                           {"*", "asked", Policy::callback},
                           {"*", "s", Policy::set}},
                          [](std::string_view replica) { return replica == "cloud"; }};
  State gw{};
  State cloud{};
  std::uint64_t sequence = 0;

  void set(State& state, const std::string& field, const std::string& value, HybridTime time) {
    const Author author{{&state == &gw ? "gw" : "cloud", ++sequence}, time};
    REQUIRE(apply(state, "d", {Kind::set, field, value}, author, policies).is_ok());
  }
  std::vector<Conflict> conflicts() { return find_conflicts(gw, cloud, "d", policies); }
  std::string value(const State& state, const std::string& field) {
    return visible(state, "d", policies).at(field);
  }
};

TEST_CASE_FIXTURE(ViewFixture, "view: two writes that did not know of each other are a conflict") {
  set(gw, "l", "21.5", 1);
  set(cloud, "l", "23", 5);
  const std::vector<Conflict> found = conflicts();
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Conflict::Kind::last_writer);
  CHECK(found[0].field == "l");
  CHECK(found[0].won.value == "23");
  CHECK(found[0].lost.value == "21.5");
  CHECK(found[0].is_local);
  gw = merge(gw, cloud);
  CHECK(conflicts().empty());                                   // delivered again
  CHECK(find_conflicts(cloud, gw, "d", policies).size() == 0);  // the other side has it merged
}

TEST_CASE_FIXTURE(ViewFixture, "view: writing after seeing, or the same value, is none") {
  set(gw, "l", "1", 1);
  cloud = merge(cloud, gw);
  set(cloud, "l", "2", 2);
  CHECK(conflicts().empty());
  gw = cloud = {};
  set(gw, "l", "7", 1);
  set(cloud, "l", "7", 2);
  set(gw, "both", "7", 1);
  set(cloud, "both", "7", 2);
  CHECK(conflicts().empty());
}

TEST_CASE_FIXTURE(ViewFixture, "view: with an authority its write shows, unless it was seen") {
  set(gw, "cloud", "1", 9);
  set(cloud, "cloud", "2", 1);
  set(gw, "device", "1", 1);
  set(cloud, "device", "2", 9);
  const std::vector<Conflict> found = conflicts();
  REQUIRE(found.size() == 2);
  CHECK(found[0].kind == Conflict::Kind::authority);
  CHECK(found[0].won.value == "2");
  CHECK(found[0].is_local);
  CHECK(found[1].won.value == "1");
  CHECK_FALSE(found[1].is_local);
  gw = merge(gw, cloud);
  CHECK(value(gw, "cloud") == "2");
  CHECK(value(gw, "device") == "1");
  set(gw, "cloud", "3", 10);
  CHECK(value(merge(cloud, gw), "cloud") == "3");
}

TEST_CASE_FIXTURE(ViewFixture, "view: keeping both shows the latest, and has the others") {
  set(gw, "both", "180", 1);
  set(cloud, "both", "175", 2);
  const std::vector<Conflict> found = conflicts();
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Conflict::Kind::keep_both);
  CHECK(found[0].values == std::vector<std::string>{"175", "180"});
  gw = merge(gw, cloud);
  CHECK(value(gw, "both") == "175");
  CHECK(siblings(gw, "d", "both", policies) == std::vector<std::string>{"175", "180"});
  set(gw, "both", "178", 3);
  CHECK(siblings(merge(cloud, gw), "d", "both", policies) == std::vector<std::string>{"178"});
  CHECK(siblings(gw, "d", "nothing", policies).empty());
}

TEST_CASE_FIXTURE(ViewFixture, "view: what is to be settled says so") {
  set(gw, "three", "{}", 1);
  set(cloud, "three", "[]", 2);
  set(gw, "asked", "1", 1);
  set(cloud, "asked", "2", 2);
  const std::vector<Conflict> found = conflicts();
  REQUIRE(found.size() == 2);
  CHECK(found[0].kind == Conflict::Kind::callback);
  CHECK(found[1].kind == Conflict::Kind::merge_three);
}

TEST_CASE_FIXTURE(ViewFixture, "view: a deletion tells which writes it took, once") {
  set(gw, "a", "1", 1);
  set(gw, "b", "1", 1);
  cloud = merge(cloud, gw);
  erase(cloud);
  CHECK(conflicts().empty());
  set(gw, "a", "2", 9);
  REQUIRE(apply(gw, "d", {Kind::add, "s", "e"}, {{"gw", ++sequence}, 9}, policies).is_ok());
  const std::vector<Conflict> found = conflicts();
  REQUIRE(found.size() == 1);
  CHECK(found[0].kind == Conflict::Kind::delete_wins);
  CHECK(found[0].fields == std::vector<std::string>{"a", "s"});
  CHECK(found[0].is_local);
  CHECK_FALSE(find_conflicts(cloud, gw, "d", policies).at(0).is_local);
  const State old = gw;
  gw = merge(gw, cloud);
  CHECK(conflicts().empty());
  CHECK(find_conflicts(gw, old, "d", policies).empty());  // an echo of what is known
  CHECK(visible(gw, "d", policies).empty());
}

TEST_CASE_FIXTURE(ViewFixture, "view: a field of another type than its policy's does not show") {
  const Policies others{{{"*", "l", Policy::counter}}, {}};
  set(gw, "l", "1", 1);
  CHECK(visible(gw, "d", others).empty());
}

}  // namespace
}  // namespace edgepost::document
