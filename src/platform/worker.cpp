#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <utility>

#include "platform/platform.hpp"
#include "platform/thread.hpp"

namespace edgepost {
namespace {

// No step is asked for this far ahead; it keeps the arithmetic on `timespec` free of overflow.
constexpr Duration kLongestWait = std::chrono::hours(24);

constexpr std::size_t kNameBytes = 15;  // What Linux keeps of a thread's name.

timespec deadline_after(Duration delay) {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(delay);
  const auto rest = std::chrono::nanoseconds(delay - seconds).count();
  time.tv_sec += static_cast<time_t>(seconds.count());
  time.tv_nsec += static_cast<long>(rest);
  if (time.tv_nsec >= 1'000'000'000) {
    time.tv_nsec -= 1'000'000'000;
    ++time.tv_sec;
  }
  return time;
}

}  // namespace

struct Worker::Shared {
  Shared(const Clock& time, Step work, std::string_view label)
      : clock(time), step(std::move(work)), name(label.substr(0, kNameBytes)) {
    pthread_condattr_t attributes;
    ::pthread_condattr_init(&attributes);
    ::pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    ::pthread_cond_init(&changed, &attributes);
    ::pthread_condattr_destroy(&attributes);
  }
  ~Shared() { ::pthread_cond_destroy(&changed); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  void run();
  void wait_until(Instant next, std::unique_lock<std::mutex>& lock);
  void tell(bool& flag);
  int launch();

  const Clock& clock;
  const Step step;
  const std::string name;
  pthread_t thread{};
  pthread_cond_t changed;
  std::mutex mutex;
  bool woken = false;     // guarded by mutex
  bool stopping = false;  // guarded by mutex
};

void Worker::Shared::run() {
  ::pthread_setname_np(::pthread_self(), name.c_str());
  std::unique_lock lock(mutex);
  while (!stopping) {
    woken = false;
    lock.unlock();
    const Instant next = step(clock.now());
    lock.lock();
    wait_until(next, lock);
  }
}

void Worker::Shared::wait_until(Instant next, std::unique_lock<std::mutex>& lock) {
  if (woken || stopping) return;
  const Instant now = clock.now();
  if (next <= now) return;
  const timespec deadline = deadline_after(std::min(next - now, kLongestWait));
  while (!woken && !stopping) {
    const int outcome =
        ::pthread_cond_timedwait(&changed, lock.mutex()->native_handle(), &deadline);
    if (outcome != 0) return;
  }
}

void Worker::Shared::tell(bool& flag) {
  const std::lock_guard lock(mutex);
  flag = true;
  ::pthread_cond_signal(&changed);
}

int Worker::Shared::launch() {
  const auto entry = [](void* shared) -> void* {
    static_cast<Shared*>(shared)->run();
    return nullptr;
  };
  return start_thread(thread, entry, this);
}

Worker::Worker(std::unique_ptr<Shared> shared) : shared_(std::move(shared)) {}

Result<std::unique_ptr<Worker>> Worker::start(const Clock& clock, Step step,
                                              std::string_view name) {
  auto shared = std::make_unique<Shared>(clock, std::move(step), name);
  const int outcome = shared->launch();
  if (outcome != 0) {
    return Status(Code::io_error, "no thread to be had: " + std::string(std::strerror(outcome)));
  }
  return std::unique_ptr<Worker>(new Worker(std::move(shared)));
}

Worker::~Worker() {
  EDGEPOST_ASSERT(::pthread_equal(shared_->thread, ::pthread_self()) == 0);
  shared_->tell(shared_->stopping);
  ::pthread_join(shared_->thread, nullptr);
}

void Worker::wake() { shared_->tell(shared_->woken); }

}  // namespace edgepost
