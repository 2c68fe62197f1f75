#include "document/edit.hpp"

#include <doctest.h>

#include <limits>

#include "document/view.hpp"
#include "unit/document/history.hpp"

namespace edgepost::document {
namespace {

using Kind = Edit::Kind;

struct EditFixture {
  const Policies policies{{{"*", "cloud*", Policy::cloud_owned},
                           {"*", "device*", Policy::device_owned},
                           {"*", "x*", Policy::keep_both},
                           {"*", "M", Policy::maximum},
                           {"*", "m", Policy::minimum},
                           {"*", "c", Policy::counter},
                           {"*", "s", Policy::set},
                           {"*", "g", Policy::log}},
                          [](std::string_view replica) { return replica == "cloud"; }};
  State state{};
  std::uint64_t sequence = 0;

  Status edit(const Edit& edit, const std::string& replica = "gw") {
    ++sequence;
    return apply(state, "d", edit, {{replica, sequence}, sequence}, policies);
  }
  std::string value(const std::string& field) {
    const auto values = visible(state, "d", policies);
    const auto found = values.find(field);
    return found == values.end() ? "none" : found->second;
  }
};

TEST_CASE_FIXTURE(EditFixture, "edit: each type does what its operations say") {
  REQUIRE(edit({Kind::set, "l", "1"}).is_ok());
  REQUIRE(edit({Kind::raise, "M", "3"}).is_ok());
  REQUIRE(edit({Kind::raise, "M", "2"}).is_ok());
  REQUIRE(edit({Kind::raise, "m", "3"}).is_ok());
  REQUIRE(edit({Kind::set, "m", "2"}).is_ok());
  REQUIRE(edit({Kind::increment, "c", {}, 5}).is_ok());
  REQUIRE(edit({Kind::increment, "c", {}, -7}).is_ok());
  REQUIRE(edit({Kind::add, "s", "hot"}).is_ok());
  REQUIRE(edit({Kind::add, "s", "\"old\""}).is_ok());
  REQUIRE(edit({Kind::append, "g", "1"}).is_ok());
  REQUIRE(edit({Kind::append, "g", "\"two\""}).is_ok());
  CHECK(value("l") == "1");
  CHECK(value("M") == "3");
  CHECK(value("m") == "2");
  CHECK(value("c") == "-2");
  CHECK(value("s") == R"(["\"old\"","hot"])");
  CHECK(value("g") == R"([1,"two"])");
  REQUIRE(edit({Kind::reset, "M", "1"}).is_ok());
  REQUIRE(edit({Kind::reset, "c"}).is_ok());
  REQUIRE(edit({Kind::take, "s", "hot"}).is_ok());
  CHECK(value("M") == "1");
  CHECK(value("c") == "0");
  CHECK(value("s") == R"(["\"old\""])");
}

TEST_CASE_FIXTURE(EditFixture, "edit: a field that is removed shows nothing") {
  REQUIRE(edit({Kind::set, "l", "1"}).is_ok());
  REQUIRE(edit({Kind::set, "x", "1"}).is_ok());
  REQUIRE(edit({Kind::remove, "l"}).is_ok());
  REQUIRE(edit({Kind::remove, "x"}).is_ok());
  CHECK(value("l") == "none");
  CHECK(value("x") == "none");
  CHECK(state.fields.size() == 1);  // of a register the removal stays
}

TEST_CASE_FIXTURE(EditFixture, "edit: an operation of another type changes nothing") {
  REQUIRE(edit({Kind::set, "l", "1"}).is_ok());
  const State before = state;
  const std::string wrong = "': its policy has no such operation";
  CHECK(edit({Kind::increment, "l", {}, 1}).message() == "field 'l" + wrong);
  CHECK(edit({Kind::add, "x", "a"}).message() == "field 'x" + wrong);
  CHECK(edit({Kind::append, "M", "1"}).message() == "field 'M" + wrong);
  CHECK(edit({Kind::set, "c", "1"}).message() == "field 'c" + wrong);
  CHECK(edit({Kind::set, "s", "1"}).message() == "field 's" + wrong);
  CHECK(edit({Kind::set, "g", "1"}).message() == "field 'g" + wrong);
  CHECK(edit({Kind::raise, "M", "\"a\""}).message() == "field 'M': a number is wanted");
  CHECK(edit({Kind::set, "", "1"}).code() == Code::invalid_argument);
  CHECK(edit({Kind::set, std::string(129, 'n'), "1"}).code() == Code::invalid_argument);
  CHECK(edit({Kind::add, "s", std::string(9'000, 'e')}).code() == Code::invalid_argument);
  CHECK(state == before);
}

TEST_CASE_FIXTURE(EditFixture, "edit: what belongs to the other side is not written") {
  CHECK(edit({Kind::set, "cloud", "1"}).code() == Code::refused);
  CHECK(edit({Kind::set, "cloud", "1"}, "cloud").is_ok());
  CHECK(edit({Kind::set, "device", "1"}, "cloud").message() ==
        "field 'device': it belongs to the other side");
  CHECK(edit({Kind::set, "device", "1"}).is_ok());
}

TEST_CASE_FIXTURE(EditFixture, "edit: limits hold, and nothing of what is too much is done") {
  for (std::size_t i = 0; i < kElementsMax; ++i)
    REQUIRE(edit({Kind::add, "s", std::to_string(i)}).is_ok());
  CHECK(edit({Kind::add, "s", "more"}).code() == Code::full);
  CHECK(edit({Kind::add, "s", "7"}).is_ok());
  for (std::size_t i = 1; i < kFieldsMax; ++i)
    REQUIRE(edit({Kind::set, "l" + std::to_string(i), "1"}).is_ok());
  CHECK(edit({Kind::set, "l", "1"}).code() == Code::full);
  CHECK(edit({Kind::set, "l1", "2"}).is_ok());
  for (std::size_t i = 1; i < kReplicasMax; ++i)
    REQUIRE(edit({Kind::set, "l1", "2"}, "r" + std::to_string(i)).is_ok());
  CHECK(edit({Kind::set, "l1", "2"}, "one more").message() ==
        "document 'd': 32 replicas have written it");
}

TEST_CASE_FIXTURE(EditFixture, "edit: a counter does not go beyond 64 bits") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  REQUIRE(edit({Kind::increment, "c", {}, kMost}).is_ok());
  CHECK(edit({Kind::increment, "c", {}, 1}).code() == Code::full);
  CHECK(edit({Kind::increment, "c", {}, -kMost - 1}).code() == Code::full);
  CHECK(value("c") == std::to_string(kMost));
}

TEST_CASE_FIXTURE(EditFixture, "edit: a deleted document is made anew by the next write") {
  REQUIRE(edit({Kind::set, "l", "1"}).is_ok());
  erase(state);
  erase(state);
  CHECK(state.generation == 2);
  CHECK(value("l") == "none");
  REQUIRE(edit({Kind::set, "l2", "2"}).is_ok());
  CHECK(state.generation == 3);
  CHECK(value("l") == "none");
  CHECK(value("l2") == "2");
}

TEST_CASE_FIXTURE(EditFixture, "edit: the latest time of a field is known") {
  CHECK(latest(state, "l") == 0);
  REQUIRE(edit({Kind::set, "l", "1"}).is_ok());
  REQUIRE(edit({Kind::set, "x", "1"}).is_ok());
  REQUIRE(edit({Kind::append, "g", "1"}).is_ok());
  CHECK(latest(state, "l") == 1);
  CHECK(latest(state, "x") == 2);
  CHECK(latest(state, "g") == 3);
}

}  // namespace
}  // namespace edgepost::document
