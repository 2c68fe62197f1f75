#include "uplink/selector.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>
#include <vector>

namespace edgepost {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct SelectorFixture {
  using Lanes = std::vector<std::size_t>;

  void online(std::size_t lane) {
    lanes[lane] = {.is_trying = true, .is_online = true, .since = now};
    look();
  }
  void lose(std::size_t lane) {
    lanes[lane] = {.is_trying = true, .since = now};
    look();
  }
  // As the driver does: what is wanted is tried.
  void look() {
    selector.advance(now, lanes);
    for (const std::size_t lane : wanted()) {
      if (!lanes[lane].is_trying) lanes[lane] = {.is_trying = true, .since = now};
    }
    selector.advance(now, lanes);
  }
  void pass(Duration time) {
    now += time;
    look();
  }
  Lanes wanted() {
    return those([this](std::size_t lane) { return selector.wants(lane); });
  }
  Lanes fed() {
    return those([this](std::size_t lane) { return selector.feeds(lane); });
  }
  template <typename Is>
  Lanes those(Is is) {
    Lanes found;
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
      if (is(lane)) found.push_back(lane);
    }
    return found;
  }

  Instant now = Instant(hours(1));
  std::vector<LaneView> lanes = std::vector<LaneView>(3, LaneView{.since = now});
  Failover policy;
  Selector selector{policy, seconds(5), {0, 1, 2}};
};

TEST_CASE_FIXTURE(SelectorFixture, "selector: only the first is connected while it may work") {
  look();
  CHECK(wanted() == Lanes{0});
  CHECK(fed().empty());
  CHECK(selector.wake_up() == now + seconds(5));
  online(0);
  CHECK(wanted() == Lanes{0});
  CHECK(fed() == Lanes{0});
  CHECK(selector.is_first_in_use());
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: the next comes when the first is late [P-32]") {
  look();
  pass(seconds(5));
  CHECK(wanted() == Lanes{0, 1});
  online(1);
  CHECK(fed() == Lanes{1});
  CHECK_FALSE(selector.is_first_in_use());
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: the next comes at once when the first is refused") {
  look();
  lanes[0].is_refused = true;
  look();
  CHECK(wanted() == Lanes{0, 1});
  lanes[1].is_refused = true;
  look();
  CHECK(wanted() == Lanes{0, 1, 2});
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: of those online the earliest is taken over") {
  look();
  pass(seconds(5));
  pass(seconds(5));
  CHECK(wanted() == Lanes{0, 1, 2});
  online(2);
  CHECK(fed() == Lanes{2});
  online(1);
  online(0);
  CHECK(fed() == Lanes{2});
  lose(2);
  CHECK(fed() == Lanes{0});
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: it goes back when the first has held for a while") {
  look();
  pass(seconds(5));
  online(1);
  online(0);
  CHECK(fed() == Lanes{1});
  CHECK(wanted() == Lanes{0, 1});
  CHECK(selector.wake_up() == now + seconds(60));
  pass(seconds(59));
  CHECK(fed() == Lanes{1});
  lose(0);  // it did not hold
  online(0);
  pass(seconds(59));
  CHECK(fed() == Lanes{1});
  pass(seconds(1));
  CHECK(fed() == Lanes{0});
  CHECK(wanted() == Lanes{0});
}

TEST_CASE_FIXTURE(SelectorFixture,
                  "selector: before it goes back the active one is drained [P-32]") {
  look();
  pass(seconds(5));
  online(1);
  online(0);
  lanes[1].in_flight = 2;
  pass(seconds(60));
  CHECK(fed().empty());
  CHECK(wanted() == Lanes{0, 1});
  lanes[1].in_flight = 0;
  look();
  CHECK(fed() == Lanes{0});
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: draining ends when the first is lost again") {
  look();
  pass(seconds(5));
  online(1);
  online(0);
  lanes[1].in_flight = 2;
  pass(seconds(60));
  lose(0);
  CHECK(fed() == Lanes{1});
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: with split all that are online are fed") {
  policy.is_split = true;
  Selector split(policy, seconds(5), {0, 2});
  split.advance(now, lanes);
  CHECK(split.wants(0));
  CHECK_FALSE(split.wants(1));
  CHECK(split.wants(2));
  lanes[2].is_online = true;
  split.advance(now, lanes);
  CHECK_FALSE(split.feeds(0));
  CHECK(split.feeds(2));
  CHECK_FALSE(split.is_first_in_use());
  lanes[0].is_online = true;
  split.advance(now, lanes);
  CHECK(split.feeds(0));
  CHECK(split.is_first_in_use());
}

TEST_CASE_FIXTURE(SelectorFixture, "selector: only members are used") {
  Selector pinned(policy, seconds(5), {2});
  lanes[0].is_online = true;
  pinned.advance(now, lanes);
  CHECK(pinned.wants(2));
  CHECK_FALSE(pinned.feeds(0));
  Selector nobody(policy, seconds(5), {});
  nobody.advance(now, lanes);
  CHECK_FALSE(nobody.active());
}

}  // namespace
}  // namespace edgepost
