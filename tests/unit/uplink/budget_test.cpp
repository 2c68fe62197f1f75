#include "uplink/budget.hpp"

#include <doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace edgepost {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct BudgetFixture {
  BudgetFixture() { look(); }

  void look() { budget->advance(boot, wall); }
  void pass(Duration time) {
    boot += time;
    if (wall) *wall += time;
    look();
  }
  void jump(Duration by) {
    *wall += by;
    look();
  }
  // What a crash leaves: the last that was written.
  void crash() {
    budget.emplace(policy, saved);
    look();
  }
  void spend(std::uint64_t bytes) {
    budget->spend(bytes);
    if (auto text = budget->to_save()) {
      saved = *text;
      ++writes;
    }
  }
  void use_up() { spend(budget->left()); }

  Pacing policy = {.bytes_per_day = 64'000};
  Instant boot = Instant(hours(1));
  std::optional<Timestamp> wall = std::chrono::sys_days(days(20'000)) + hours(12);
  std::string saved;
  int writes = 0;
  std::optional<Budget> budget = Budget(policy, "");
};

TEST_CASE_FIXTURE(BudgetFixture, "budget: it is used up a lease before its end") {
  CHECK(budget->is_limited());
  CHECK(budget->left() == 64'000 - 1'001);
  spend(62'998);
  CHECK_FALSE(budget->is_used_up());
  spend(1);
  CHECK(budget->is_used_up());
  CHECK(budget->left() == 0);
  CHECK(budget->day_used() == 62'999);
  CHECK(budget->renews_in() == hours(12));
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a new day brings it back, and not before") {
  use_up();
  pass(hours(12) - seconds(1));
  CHECK(budget->is_used_up());
  pass(seconds(1));
  CHECK_FALSE(budget->is_used_up());
  CHECK(budget->day_used() == 0);
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: without a trusted clock a day is 24 hours") {
  wall.reset();
  use_up();
  pass(hours(24) - seconds(1));
  CHECK(budget->is_used_up());
  CHECK(budget->renews_in() == seconds(1));
  pass(seconds(1));
  CHECK_FALSE(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: jumps of the wall clock give nothing [P-40]") {
  use_up();
  for (int i = 0; i < 10; ++i) {
    pass(minutes(1));
    jump(days(1));
    CHECK(budget->is_used_up());
    pass(minutes(1));
    jump(-days(1));
    CHECK(budget->is_used_up());
  }
  jump(days(20'000));
  jump(-days(30'000));
  CHECK(budget->is_used_up());
  pass(hours(24));
  CHECK_FALSE(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: after a jump back the day that has passed stays passed") {
  pass(hours(13));  // one hour into the next day
  use_up();
  jump(-hours(2));
  pass(hours(2));
  CHECK(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a crash makes no byte free, and costs a lease at most") {
  for (int i = 0; i < 100; ++i) {
    spend(100);
    const std::uint64_t used = budget->day_used();
    crash();
    CHECK(budget->day_used() >= used);
    CHECK(budget->day_used() <= used + 1'001);
  }
  CHECK(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture,
                  "budget: it is written down rarely, and exactly at an orderly end") {
  for (int i = 0; i < 630; ++i)
    spend(100);
  CHECK(writes <= 64);
  CHECK(writes >= 50);
  budget.emplace(policy, "");
  look();
  spend(500);
  saved = *budget->to_save_at_end();
  CHECK_FALSE(budget->to_save_at_end());
  crash();
  CHECK(budget->day_used() == 500);
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a day that ended while the machine was off is over") {
  use_up();
  wall = *wall + days(3);
  boot = Instant();
  crash();
  CHECK_FALSE(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a clock that is first known after the start is no jump") {
  use_up();
  wall.reset();
  crash();
  CHECK(budget->is_used_up());
  pass(minutes(5));
  wall = std::chrono::sys_days(days(20'001)) + hours(1);
  look();
  CHECK_FALSE(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a month has one of its own") {
  policy = {.bytes_per_day = 64'000, .bytes_per_month = 120'000};
  budget.emplace(policy, "");
  look();
  use_up();
  pass(hours(24));
  use_up();
  pass(hours(24));
  CHECK(budget->is_used_up());
  CHECK(budget->month_used() > 110'000);
  CHECK(budget->renews_in() > hours(24));
  pass(budget->renews_in());
  CHECK_FALSE(budget->is_used_up());
}

TEST_CASE_FIXTURE(BudgetFixture, "budget: a note that says nothing counts for nothing") {
  for (const char* text : {"", "x", "1 2 3", "-5 1 1 1", "99999999999999999999 1 1 1"}) {
    budget.emplace(policy, text);
    look();
    CHECK(budget->day_used() == 0);
  }
}

TEST_CASE("budget: without limits there is nothing to keep") {
  Budget budget({}, "");
  budget.spend(1'000'000);
  CHECK_FALSE(budget.is_limited());
  CHECK_FALSE(budget.is_used_up());
  CHECK_FALSE(budget.to_save());
  CHECK_FALSE(budget.to_save_at_end());
}

}  // namespace
}  // namespace edgepost
