#include "document/policy.hpp"

#include <doctest.h>

namespace edgepost::document {
namespace {

TEST_CASE("policy: a star stands for any characters, a question mark for one") {
  CHECK(glob_matches("*", ""));
  CHECK(glob_matches("recipe/*", "recipe/7/a"));
  CHECK(glob_matches("a*b*c", "aXbYbZc"));
  CHECK(glob_matches("p?", "p1"));
  CHECK(glob_matches("**x", "x"));
  CHECK_FALSE(glob_matches("p?", "p"));
  CHECK_FALSE(glob_matches("recipe/*", "recipes/7"));
  CHECK_FALSE(glob_matches("a*b", "ab-"));
  CHECK_FALSE(glob_matches("", "a"));
}

TEST_CASE("policy: the first rule that matches counts, and without one the last writer wins") {
  const Policies policies(
      {{"cfg/*", "limit", Policy::maximum}, {"cfg/*", "*", Policy::keep_both, true}},
      [](std::string_view replica) { return replica == "cloud"; });
  CHECK(policies.of("cfg/1", "limit") == Policy::maximum);
  CHECK(policies.of("cfg/1", "other") == Policy::keep_both);
  CHECK(policies.of("state/1", "other") == Policy::last_writer);
  CHECK_FALSE(policies.update_wins("state/1"));
  CHECK(policies.is_cloud("cloud"));
  CHECK_FALSE(policies.is_cloud("gw"));
  CHECK_FALSE(Policies().is_cloud("cloud"));
}

}  // namespace
}  // namespace edgepost::document
