// The campaigns find what is planted: a campaign that stays green on one of these is broken. Each
// case is named after its bug.
#include <doctest.h>

#include <algorithm>
#include <memory>
#include <string>

#include "sim/campaign.hpp"
#include "sim/planted_clocks.hpp"
#include "sim/planted_disks.hpp"
#include "sim/planted_drivers.hpp"

using namespace edgepost;
using sim::CutPolicy;
using test::Config;
using test::Outcome;
using test::Planted;

namespace {

constexpr std::uint64_t kPointsMax = 1'000;

bool breaks(const Outcome& outcome, const std::string& promise) {
  return std::any_of(outcome.problems.begin(), outcome.problems.end(),
                     [&](const std::string& problem) { return problem.starts_with(promise); });
}

// Tries points all over the workload until one shows that the promise is broken.
template <typename Point>
void check_found(const std::string& bug, const std::string& promise, const Point& point) {
  const std::uint64_t calls = test::calls_of(Config{});
  std::uint64_t points = 0;
  bool is_found = false;
  while (!is_found && points < kPointsMax)
    is_found = breaks(point(points++ * 37 % calls), promise);
  CHECK(is_found);
  MESSAGE(bug << ": " << promise << " broken at point " << points);
}

void check_found(const Config& config, const std::string& promise) {
  check_found(config.name, promise, [&](std::uint64_t call) { return test::cut_at(config, call); });
}

template <typename Disk>
Planted disk() {
  Planted planted;
  planted.disk = [](const std::string& behind) { return std::make_unique<Disk>(behind); };
  return planted;
}

template <typename Driver>
Planted driver() {
  Planted planted;
  planted.driver = [] { return std::make_unique<Driver>(); };
  return planted;
}

}  // namespace

TEST_CASE("calibration: nothing is found where nothing is planted") {
  const Config sound{.name = "sound", .planted = driver<test::Driver>()};
  for (std::uint64_t call = 0; call < test::calls_of(sound); call += 97)
    CHECK(test::cut_at(sound, call).problems.empty());
}

// The disk.

TEST_CASE("calibration: a disk that lies about syncs") {
  check_found({.name = "lying", .disk = {.syncs = false}}, "P-01");
}

TEST_CASE("calibration: directories that are not synced") {
  check_found({.name = "no directory sync", .disk = {.syncs_directories = false}}, "P-01");
}

TEST_CASE("calibration: commits that are not synced (synchronous=NORMAL)") {
  check_found({.name = "NORMAL", .planted = disk<test::NormalDisk>()}, "P-01");
}

TEST_CASE("calibration: commits that are not synced show in no kill -9") {
  const Config killed{
      .name = "kill -9", .policy = CutPolicy::keep_all, .planted = disk<test::NormalDisk>()};
  for (std::uint64_t call = 0; call < test::calls_of(killed); call += 97)
    CHECK(test::cut_at(killed, call).problems.empty());
}

TEST_CASE("calibration: a checkpoint that is synced before its log") {
  check_found({.name = "checkpoint first", .planted = disk<test::CheckpointFirstDisk>()}, "P-");
}

TEST_CASE("calibration: a sync that is one commit behind") {
  check_found({.name = "late sync", .planted = disk<test::LateDisk>()}, "P-01");
}

TEST_CASE("calibration: the last write before a sync that stays in a cache") {
  check_found({.name = "last write", .planted = disk<test::LastWriteDisk>()}, "P-01");
}

TEST_CASE("calibration: a write that was never made and answered with ok") {
  check_found({.name = "forgotten write", .planted = disk<test::ForgetfulDisk>()}, "P-01");
}

TEST_CASE("calibration: a read of what was there before the last write") {
  check_found({.name = "stale read", .planted = disk<test::StaleDisk>()}, "P-");
}

// Publishing.

TEST_CASE("calibration: stored is answered before anything is stored") {
  check_found({.name = "early answer", .planted = driver<test::EarlyAnswer>()}, "P-01");
}

TEST_CASE("calibration: flush returns without storing") {
  check_found({.name = "empty flush", .planted = driver<test::EmptyFlush>()}, "P-01");
}

TEST_CASE("calibration: an event that finds a full disk is dropped and answered with ok") {
  const Config config{.name = "silent drop", .planted = driver<test::SilentDrop>()};
  check_found(config.name, "P-01", [&](std::uint64_t call) {
    return test::fail_at(config, call, sim::Fault::full, sim::Repeat::once);
  });
}

TEST_CASE("calibration: a transaction that failed publishes its events all the same") {
  check_found({.name = "ghost", .planted = driver<test::Ghost>()}, "P-02");
}

TEST_CASE("calibration: a row and its event are committed one after the other") {
  check_found({.name = "two commits", .planted = driver<test::TwoCommits>()}, "P-03");
}

TEST_CASE("calibration: ids begin anew with each start") {
  Planted planted;
  planted.clock = [](const auto& clock) { return std::make_unique<test::NoDate>(clock); };
  planted.random = [] { return std::make_unique<sim::SeededRandom>(7); };
  check_found({.name = "id reuse", .planted = planted}, "P-12");
}

TEST_CASE("calibration: the wall clock is handed out as the monotonic one") {
  Planted planted;
  planted.clock = [](const auto& clock) { return std::make_unique<test::WallAsMonotonic>(clock); };
  check_found({.name = "wall-clock waiting", .planted = planted}, "P-40");
}

// Delivering.

TEST_CASE("calibration: an event is acknowledged when it leaves (cursor before acknowledgement)") {
  check_found({.name = "early ack", .planted = driver<test::AcknowledgesWhatLeaves>()}, "P-05");
}

TEST_CASE("calibration: an event is acknowledged before its effect is stored") {
  check_found({.name = "late effect", .planted = driver<test::LateEffect>()}, "P-05");
}

TEST_CASE("calibration: an event is acknowledged that was never delivered") {
  check_found({.name = "unseen", .planted = driver<test::AcknowledgesUnseen>()}, "P-05");
}

TEST_CASE("calibration: an acknowledged event is delivered once more") {
  check_found({.name = "repeat", .planted = driver<test::RepeatsSettled>()}, "P-12");
}

TEST_CASE("calibration: an event gets another id with each try") {
  check_found({.name = "new id", .planted = driver<test::NewIdEachTry>()}, "P-12");
}

TEST_CASE("calibration: an event that is tried again comes behind newer ones of its key") {
  check_found({.name = "retries last", .planted = driver<test::RetriesLast>()}, "P-10");
}

TEST_CASE("calibration: a dead letter is thrown away") {
  check_found({.name = "forgotten dead", .planted = driver<test::ForgetsTheDead>()}, "P-11");
}

TEST_CASE("calibration: an acknowledgement is counted before there is one") {
  check_found({.name = "flattering books", .planted = driver<test::FlatteringBooks>()}, "P-04");
}

// Receiving.

TEST_CASE("calibration: a message is remembered before its effect is stored") {
  check_found({.name = "early claim", .planted = driver<test::EarlyClaim>()}, "P-13");
}

TEST_CASE("calibration: a message is remembered after its effect is stored") {
  check_found({.name = "late claim", .planted = driver<test::LateClaim>()}, "P-13");
}
