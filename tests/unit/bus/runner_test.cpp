#include "bus/runner.hpp"

#include <doctest.h>

#include <functional>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>

#include "bus/ring.hpp"
#include "support/schedules.hpp"

namespace edgepost::bus {
namespace {

using std::chrono::milliseconds;

constexpr Instant kNever = Instant::max();

// A task that calls a function; by default it is never due again.
struct Calls final : Task {
  explicit Calls(std::function<Instant(Instant)> call) : work(std::move(call)) {}
  Instant run(Instant now) override { return work(now); }
  std::function<Instant(Instant)> work;
};

struct RunnerFixture {
  std::shared_ptr<Calls> writes(const std::string& name, Instant due = kNever) {
    return std::make_shared<Calls>([this, name, due](Instant) {
      ran += name;
      done.release();
      return due;
    });
  }

  Lane& lane() { return **runner.shared(); }

  std::string step(milliseconds time) {
    next = runner.step(Instant(time));
    return std::exchange(ran, {});
  }

  const Clock& clock = *default_platform().clock;
  Runner runner{clock, false};
  std::string ran;
  std::counting_semaphore<> done{0};
  Instant next;
};

TEST_CASE_FIXTURE(RunnerFixture, "runner: a step runs what was scheduled, once, in order") {
  const auto a = writes("a");
  const auto b = writes("b");
  lane().schedule(*b);
  lane().schedule(*a);
  lane().schedule(*b);
  CHECK(step(milliseconds(1)) == "ba");
  CHECK(next == kNever);
  CHECK(step(milliseconds(2)).empty());
  lane().schedule(*a);
  CHECK(step(milliseconds(3)) == "a");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task runs again when its time has come") {
  const auto task = writes("t", Instant(milliseconds(10)));
  lane().schedule(*task);
  CHECK(step(milliseconds(1)) == "t");
  CHECK(next == Instant(milliseconds(10)));
  CHECK(step(milliseconds(9)).empty());
  CHECK(next == Instant(milliseconds(10)));
  task->work = [&](Instant) {
    ran += "last";
    return kNever;
  };
  CHECK(step(milliseconds(10)) == "last");
  CHECK(next == kNever);
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: scheduling a task that has a time runs it earlier") {
  const auto task = writes("t", Instant(milliseconds(10)));
  lane().schedule(*task);
  CHECK(step(milliseconds(1)) == "t");
  lane().schedule(*task);
  CHECK(step(milliseconds(2)) == "t");
  CHECK(next == Instant(milliseconds(10)));
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task that has more to do lets the others go first") {
  const auto busy = writes("m", Instant());
  const auto other = writes("o");
  lane().schedule(*busy);
  lane().schedule(*other);
  CHECK(step(milliseconds(1)) == "mo");
  CHECK(next == Instant(milliseconds(1)));
  CHECK(step(milliseconds(1)) == "m");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task may schedule others and itself") {
  const auto other = writes("o");
  const auto task = writes("t");
  task->work = [&](Instant) {
    ran += "t";
    if (ran == "t") lane().schedule(*task);
    lane().schedule(*other);
    CHECK(lane().is_current());
    return kNever;
  };
  lane().schedule(*task);
  CHECK(step(milliseconds(1)) == "t");
  CHECK(next == Instant(milliseconds(1)));
  task->work = [](Instant) { return kNever; };
  CHECK(step(milliseconds(1)) == "o");
  CHECK_FALSE(lane().is_current());
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a scheduled task lives until it has run") {
  auto task = writes("t");
  lane().schedule(*task);
  task.reset();
  CHECK(step(milliseconds(1)) == "t");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: tasks that never ran are let go in the end") {
  auto task = writes("t");
  const std::weak_ptr<Task> seen = task;
  {
    Runner brief(clock, false);
    (*brief.shared())->schedule(*task);
    task.reset();
    CHECK_FALSE(seen.expired());
  }
  CHECK(seen.expired());
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: workers run what was scheduled before they started") {
  Lane& own = **runner.own("own");
  const auto a = writes("a");
  lane().schedule(*a);
  REQUIRE(runner.start().is_ok());
  done.acquire();
  own.schedule(*a);
  done.acquire();
  CHECK(runner.start().code() == Code::wrong_state);
  runner.stop();
  own.schedule(*a);
  CHECK(step(milliseconds(1)) == "aaa");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: with threads a lane has a worker at once") {
  Runner threaded(clock, true);
  const auto task = writes("t");
  (*threaded.own("own"))->schedule(*task);
  done.acquire();
  (*threaded.shared())->schedule(*task);
  done.acquire();
  CHECK(threaded.start().code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a lane that ended inside its own step is joined later") {
  Runner threaded(clock, true);
  Lane& own = **threaded.own("own");
  const auto task = writes("t");
  task->work = [&](Instant) {
    threaded.end(own);
    threaded.reap();
    done.release();
    return kNever;
  };
  own.schedule(*task);
  done.acquire();
  threaded.reap();
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: nobody waits for room where no worker makes any") {
  CHECK_FALSE(lane().wait_for_room([] { return false; }));
  CHECK(lane().wait_for_room([] { return true; }));
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: who waits for room is woken by it, and by stop") {
  Runner threaded(clock, true);
  Lane& own = **threaded.own("own");
  std::atomic<bool> has_room = false;
  const auto task = writes("t");
  task->work = [&](Instant) {
    has_room = true;
    own.make_room();
    CHECK_FALSE(own.wait_for_room([] { return false; }));
    return kNever;
  };
  own.schedule(*task);
  CHECK(own.wait_for_room([&] { return has_room.load(); }));

  // Stopped by the shared lane's worker while this thread waits.
  const auto stopping = writes("s");
  stopping->work = [&](Instant) {
    own.stop();
    return kNever;
  };
  (*threaded.shared())->schedule(*stopping);
  CHECK_FALSE(own.wait_for_room([] { return false; }));
}

// Two producers add work; a consumer sleeps until it is told that there is some.
struct Waking {
  void produce() {
    schedules::run().expect(ring.push(1), "no room");
    if (readiness.raise()) ++wakes;
  }

  void consume() {
    while (handled < 2) {
      schedules::run().wait([this] { return wakes > 0; });
      --wakes;
      readiness.lower();
      while (ring.pop() != nullptr)
        ++handled;
    }
  }

  BasicRing<schedules::Atomic, int> ring{4};
  Readiness<schedules::Atomic> readiness;
  int wakes = 0;
  int handled = 0;
};

TEST_CASE("runner: in no schedule does work wait while its worker sleeps") {
  const schedules::Report report = schedules::explore(3, [](schedules::Run& run) {
    auto waking = std::make_shared<Waking>();
    run.thread([=] { waking->produce(); });
    run.thread([=] { waking->produce(); });
    run.thread([=] { waking->consume(); });
  });
  CHECK(report.failure == "");
  CHECK(report.schedules > 1'000);
}

}  // namespace
}  // namespace edgepost::bus
