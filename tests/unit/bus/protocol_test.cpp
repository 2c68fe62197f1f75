#include "bus/protocol.hpp"

#include <doctest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "support/schedules.hpp"

using schedules::Atomic;
using schedules::Barrier;
using schedules::Report;
using schedules::Run;

namespace {

using Announcement = edgepost::bus::Announcement<Atomic, 2>;

// Enough for each hole below to show: stores that are seen late, and a switch before they are.
// Without light barriers there are many more schedules, and holes show earlier.
int deviations_for(const Barrier& barrier) { return barrier.is_asymmetric ? 2 : 3; }

constexpr Barrier kAsymmetric{.is_asymmetric = true};
constexpr Barrier kSymmetric{};

// A publisher runs a handler twice, and somebody ends its subscription meanwhile.
struct Ending {
  void publish(const Barrier& barrier) {
    for (int call = 0; call < 2; ++call) {
      if (reader.begin(reader.place(0), this, is_active, barrier)) {
        schedules::run().expect(!is_destroyed, "called after it was destroyed");
        schedules::run().step();
        schedules::run().expect(!is_destroyed, "destroyed while it runs");
      }
      if (reader.finish(reader.place(0), is_active, barrier)) continue;
      mutex.lock();
      left.notify_all();
      mutex.unlock();
    }
  }

  void unsubscribe(const Barrier& barrier) {
    is_active.store(false, std::memory_order_release);
    barrier.heavy();
    mutex.lock();
    while (reader.runs(this))
      left.wait(mutex);
    mutex.unlock();
    is_destroyed = true;
  }

  Announcement reader;
  Atomic<bool> is_active{true};
  schedules::Mutex mutex;
  schedules::Condition left;
  bool is_destroyed = false;
};

Report explore_ending(const Barrier& barrier) {
  return schedules::explore(deviations_for(barrier), [&barrier](Run& run) {
    auto ending = std::make_shared<Ending>();
    run.thread([ending, &barrier] { ending->publish(barrier); });
    run.thread([ending, &barrier] { ending->unsubscribe(barrier); });
    run.at_end([ending] { schedules::run().expect(ending->is_destroyed, "never destroyed"); });
  });
}

// A reader looks twice at what a writer replaces, and the writer destroys what was there before.
struct Replacing {
  void read(const Barrier& barrier) {
    for (int passage = 0; passage < 2; ++passage) {
      const std::uint32_t before = reader.word();
      reader.enter(before, barrier);
      const std::uint32_t seen = current.load(std::memory_order_acquire);
      schedules::run().expect(seen != destroyed, "found after it was destroyed");
      schedules::run().step();
      schedules::run().expect(seen != destroyed, "destroyed while it is read");
      reader.leave(before);
    }
  }

  void replace(const Barrier& barrier) {
    current.store(2, std::memory_order_release);
    barrier.heavy();
    const std::uint32_t looked = reader.look();
    for (int look = 0; look < 2 && destroyed == 0; ++look) {
      if (reader.has_left(looked)) destroyed = 1;
    }
  }

  Announcement reader;
  Atomic<std::uint32_t> current{1};
  std::uint32_t destroyed = 0;
};

Report explore_replacing(const Barrier& barrier) {
  return schedules::explore(deviations_for(barrier), [&barrier](Run& run) {
    auto replacing = std::make_shared<Replacing>();
    run.thread([replacing, &barrier] { replacing->read(barrier); });
    run.thread([replacing, &barrier] { replacing->replace(barrier); });
  });
}

}  // namespace

TEST_CASE("announcement: in every schedule a handler is destroyed when nobody runs it") {
  for (const Barrier& barrier : {kAsymmetric, kSymmetric}) {
    const Report report = explore_ending(barrier);
    CHECK(report.failure == "");
    CHECK(report.schedules > 100);
  }
}

TEST_CASE("announcement: without one of its barriers a handler is destroyed while it runs") {
  for (Barrier barrier : {kAsymmetric, kSymmetric}) {
    barrier.lacks_heavy = true;
    CHECK(explore_ending(barrier).failure != "");
  }
  Barrier barrier = kSymmetric;
  barrier.lacks_light = true;
  CHECK(explore_ending(barrier).failure != "");
}

TEST_CASE("announcement: in every schedule what was replaced is destroyed when nobody reads it") {
  for (const Barrier& barrier : {kAsymmetric, kSymmetric}) {
    const Report report = explore_replacing(barrier);
    CHECK(report.failure == "");
    CHECK(report.schedules > 100);
  }
}

TEST_CASE("announcement: without one of its barriers what is read is destroyed") {
  for (Barrier barrier : {kAsymmetric, kSymmetric}) {
    barrier.lacks_heavy = true;
    CHECK(explore_replacing(barrier).failure != "");
  }
  Barrier barrier = kSymmetric;
  barrier.lacks_light = true;
  CHECK(explore_replacing(barrier).failure != "");
}
