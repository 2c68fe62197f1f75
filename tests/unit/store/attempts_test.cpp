#include "store/attempts.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::store {
namespace {

TEST_CASE("attempts: the first and the last error are kept") {
  Attempts attempts;
  CHECK(attempts.count(7, "one") == 1);
  CHECK(attempts.count(7, "two") == 2);
  CHECK(attempts.count(7, "three") == 3);
  CHECK(attempts.of(7).first_error == "one");
  CHECK(attempts.of(7).last_error == "three");
  CHECK(attempts.of(8).attempts == 0);
}

TEST_CASE("attempts: 256 bytes of an error are kept, and no half character") {
  Attempts attempts;
  attempts.count(1, std::string(300, 'x'));
  CHECK(attempts.of(1).last_error.size() == 256);
  attempts.count(1, std::string(255, 'x') + "\xC3\xA9");
  CHECK(attempts.of(1).last_error.size() == 255);
}

TEST_CASE("attempts: what changed is told once it is saved no more") {
  Attempts attempts;
  attempts.count(1, "no");
  const auto rows = attempts.unsaved();
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].attempts == 1);
  attempts.saved(rows);
  CHECK(attempts.unsaved().empty());
  attempts.forget(1);
  REQUIRE(attempts.unsaved().size() == 1);
  CHECK(attempts.unsaved()[0].attempts == 0);  // to be deleted
  attempts.saved(attempts.unsaved());
  CHECK(attempts.unsaved().empty());
}

TEST_CASE("attempts: what was never saved needs no row") {
  Attempts attempts;
  attempts.count(1, "no");
  attempts.forget(1);
  CHECK(attempts.unsaved().empty());
}

TEST_CASE("attempts: what changes while it is saved is saved again") {
  Attempts attempts;
  attempts.count(1, "no");
  attempts.count(2, "no");
  const auto rows = attempts.unsaved();
  attempts.count(1, "no");
  attempts.forget(2);
  attempts.saved(rows);
  REQUIRE(attempts.unsaved().size() == 2);
  CHECK(attempts.unsaved()[0].attempts == 2);
  CHECK(attempts.unsaved()[1].attempts == 0);
}

TEST_CASE("attempts: what was restored counts on") {
  Attempts attempts;
  attempts.restore({4, 3, "first", "last"});
  CHECK(attempts.unsaved().empty());
  CHECK(attempts.count(4, "newest") == 4);
  CHECK(attempts.of(4).first_error == "first");
  attempts.forget(4);
  CHECK(attempts.unsaved().size() == 1);
}

}  // namespace
}  // namespace edgepost::store
