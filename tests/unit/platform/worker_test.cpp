#include <doctest.h>
#include <pthread.h>
#include <sys/resource.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include "platform/platform.hpp"

namespace edgepost {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

constexpr Instant kNever = Instant::max();

struct WorkerFixture {
  const Clock& clock = *default_platform().clock;
  std::counting_semaphore<> stepped{0};
  std::atomic<int> steps{0};

  std::unique_ptr<Worker> start(Worker::Step step, std::string_view name = "worker") {
    auto worker = Worker::start(clock, std::move(step), name);
    REQUIRE(worker.is_ok());
    return std::move(*worker);
  }

  // A step that is never due again by itself.
  Worker::Step only_when_woken() {
    return [this](Instant) {
      ++steps;
      stepped.release();
      return kNever;
    };
  }
};

TEST_CASE_FIXTURE(WorkerFixture, "worker: the first step comes at once, with the clock's time") {
  const Instant before = clock.now();
  Instant seen;
  const auto worker = start([&](Instant now) {
    seen = now;
    stepped.release();
    return kNever;
  });
  stepped.acquire();
  CHECK(seen >= before);
}

TEST_CASE_FIXTURE(WorkerFixture, "worker: the next step comes when the last one asked for it") {
  std::vector<Instant> times;
  const auto worker = start([&](Instant now) {
    times.push_back(now);
    stepped.release();
    return times.size() < 3 ? now + std::chrono::milliseconds(2) : kNever;
  });
  for (int i = 0; i < 3; ++i)
    stepped.acquire();
  CHECK(times[1] - times[0] >= std::chrono::milliseconds(2));
  CHECK(times[2] - times[1] >= std::chrono::milliseconds(2));
}

TEST_CASE_FIXTURE(WorkerFixture, "worker: wake begins the next step now") {
  const auto worker = start(only_when_woken());
  stepped.acquire();
  worker->wake();
  stepped.acquire();
  CHECK(steps == 2);
}

TEST_CASE_FIXTURE(WorkerFixture, "worker: a wake during a step is not lost") {
  std::binary_semaphore entered{0};
  std::binary_semaphore leave{0};
  const auto worker = start([&](Instant) {
    if (++steps == 1) {
      entered.release();
      leave.acquire();
    }
    stepped.release();
    return kNever;
  });
  entered.acquire();
  worker->wake();
  leave.release();
  stepped.acquire();
  stepped.acquire();
  CHECK(steps == 2);
}

TEST_CASE_FIXTURE(WorkerFixture,
                  "worker: destruction ends the thread, however long it would wait") {
  auto worker = start(only_when_woken());
  stepped.acquire();
  worker.reset();
  CHECK(steps == 1);
}

TEST_CASE_FIXTURE(WorkerFixture, "worker: the thread has its name and leaves signals to the host") {
  std::array<char, 16> name{};
  sigset_t blocked;
  const auto worker = start(
      [&](Instant) {
        ::pthread_getname_np(::pthread_self(), name.data(), name.size());
        ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
        stepped.release();
        return kNever;
      },
      "uplink-of-a-long-name");
  stepped.acquire();
  CHECK(std::string(name.data()) == "uplink-of-a-lon");
  CHECK(sigismember(&blocked, SIGTERM) == 1);
  CHECK(sigismember(&blocked, SIGSEGV) == 0);
  sigset_t own;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &own);
  CHECK(sigismember(&own, SIGTERM) == 0);
}

// Sanitizers need the address space that this case takes away, and an emulator may not take it.
TEST_CASE_FIXTURE(WorkerFixture, "worker: a system without memory for a stack is an io_error") {
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit none{0, before.rlim_max};
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(256);
  if (!kSanitized) ::setrlimit(RLIMIT_AS, &none);
  rlimit now{};
  ::getrlimit(RLIMIT_AS, &now);
  Code code = Code::ok;
  // The C library reuses the stacks of ended threads first.
  while (now.rlim_cur == 0 && code == Code::ok && workers.size() < workers.capacity()) {
    auto worker = Worker::start(clock, only_when_woken());
    code = worker.status().code();
    if (worker.is_ok()) workers.push_back(std::move(*worker));
  }
  ::setrlimit(RLIMIT_AS, &before);
  if (now.rlim_cur == 0) CHECK(code == Code::io_error);
}

}  // namespace
}  // namespace edgepost
