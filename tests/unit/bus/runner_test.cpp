#include "bus/runner.hpp"

#include <doctest.h>

#include <atomic>
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

// A task that calls a function for each piece of work it was given, and once when its time comes.
struct Chore final : Task {
  explicit Chore(std::function<void()> call) : work(std::move(call)) {}

  Instant run(Instant now) override {
    if (due <= now) {
      due = kNever;
    } else if (pieces == 0) {
      return due;
    } else {
      --pieces;
    }
    work();
    return now;
  }

  std::function<void()> work;
  std::atomic<int> pieces = 0;
  Instant due = kNever;
};

struct RunnerFixture {
  std::shared_ptr<Chore> writes(const std::string& name) {
    return std::make_shared<Chore>([this, name] {
      ran += name;
      done.release();
    });
  }

  Lane& lane() { return **runner.shared(); }

  static void give(Lane& lane, Chore& chore) {
    ++chore.pieces;
    lane.schedule(chore);
  }
  void give(Chore& chore) { give(lane(), chore); }

  // What ran in one step at `time`; when the next one is wanted is in `next`.
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

TEST_CASE_FIXTURE(RunnerFixture, "runner: a step runs what was scheduled, in order") {
  const auto a = writes("a");
  const auto b = writes("b");
  give(*b);
  give(*a);
  CHECK(step(milliseconds(1)) == "ba");
  CHECK(next == Instant(milliseconds(1)));
  CHECK(step(milliseconds(1)).empty());
  CHECK(next == kNever);
  give(*a);
  CHECK(step(milliseconds(3)) == "a");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task runs again when its time has come") {
  const auto task = writes("t");
  task->due = Instant(milliseconds(10));
  lane().schedule(*task);
  CHECK(step(milliseconds(1)).empty());
  CHECK(next == Instant(milliseconds(10)));
  CHECK(step(milliseconds(9)).empty());
  CHECK(next == Instant(milliseconds(10)));
  CHECK(step(milliseconds(10)) == "t");
  CHECK(step(milliseconds(10)).empty());
  CHECK(next == kNever);
}

TEST_CASE_FIXTURE(RunnerFixture,
                  "runner: a task with a time may be run and get another time before") {
  const auto task = writes("t");
  task->due = Instant(milliseconds(10));
  lane().schedule(*task);
  CHECK(step(milliseconds(1)).empty());
  give(*task);
  task->due = Instant(milliseconds(20));
  CHECK(step(milliseconds(2)) == "t");
  CHECK(step(milliseconds(2)).empty());
  CHECK(next == Instant(milliseconds(20)));
  CHECK(step(milliseconds(10)).empty());
  CHECK(step(milliseconds(20)) == "t");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task that has more to do lets the others go first") {
  const auto busy = writes("m");
  const auto other = writes("o");
  busy->pieces = 1;
  give(*busy);
  give(*other);
  CHECK(step(milliseconds(1)) == "mo");
  CHECK(step(milliseconds(1)) == "m");
  CHECK(step(milliseconds(1)).empty());
  CHECK(next == kNever);
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a task may schedule others and itself") {
  const auto other = writes("o");
  const auto task = writes("t");
  task->work = [&] {
    ran += "t";
    if (ran == "t") give(*task);
    give(*other);
    CHECK(lane().is_current());
  };
  give(*task);
  CHECK(step(milliseconds(1)) == "t");
  CHECK_FALSE(lane().is_current());
  task->work = [this] { ran += "T"; };
  CHECK(step(milliseconds(1)) == "To");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a scheduled task lives until it has run") {
  auto task = writes("t");
  give(*task);
  task.reset();
  CHECK(step(milliseconds(1)) == "t");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: tasks that never ran are let go in the end") {
  auto task = writes("t");
  const std::weak_ptr<Task> seen = task;
  {
    Runner brief(clock, false);
    give(**brief.shared(), *task);
    task.reset();
    CHECK_FALSE(seen.expired());
  }
  CHECK(seen.expired());
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: workers run what was scheduled before they started") {
  Lane& own = **runner.own("own");
  const auto a = writes("a");
  const auto b = writes("b");
  give(*a);
  REQUIRE(runner.start().is_ok());
  done.acquire();
  give(own, *b);
  done.acquire();
  CHECK(runner.start().code() == Code::wrong_state);
  runner.stop();
  ran.clear();
  give(own, *b);
  CHECK(step(milliseconds(1)) == "b");
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: with threads a lane has a worker at once") {
  Runner threaded(clock, true);
  const auto task = writes("t");
  give(**threaded.own("own"), *task);
  done.acquire();
  const auto other = writes("o");
  give(**threaded.shared(), *other);
  done.acquire();
  CHECK(threaded.start().code() == Code::wrong_state);
}

TEST_CASE_FIXTURE(RunnerFixture, "runner: a lane that ended inside its own step is joined later") {
  Runner threaded(clock, true);
  Lane& own = **threaded.own("own");
  const auto task = writes("t");
  task->work = [&] {
    threaded.end(own);
    threaded.reap();
    done.release();
  };
  give(own, *task);
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
  task->work = [&] {
    has_room = true;
    own.make_room();
    CHECK_FALSE(own.wait_for_room([] { return false; }));
  };
  give(own, *task);
  CHECK(own.wait_for_room([&] { return has_room.load(); }));

  // Stopped by the shared lane's worker while this thread waits.
  const auto stopping = writes("s");
  stopping->work = [&] { own.stop(); };
  give(**threaded.shared(), *stopping);
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
