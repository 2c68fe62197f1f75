#include "schedules.hpp"

#include <ucontext.h>

#include <algorithm>
#include <array>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#define SCHEDULES_TELL_TSAN 1
#endif
#endif

namespace schedules {
namespace {

// More is a loop that waits for another thread without saying so.
constexpr std::size_t kStepsMax = 5'000;
constexpr std::size_t kStackBytes = 128 * 1'024;

struct Choice {
  std::size_t taken;
  std::size_t count;
};

struct LateStore {
  const void* place;
  std::function<void()> write;
  std::function<void(void*)> read;
  bool is_release;
};

// A thread of the model: a context of its own in the one real thread.
struct Fiber {
  std::function<void()> body;
  std::unique_ptr<char[]> stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
  ucontext_t context{};
  void* tsan = nullptr;
  std::vector<LateStore> late;
  std::function<bool()> may_go_on;  // none: it may
  bool has_ended = false;
};

Run* current_run = nullptr;

}  // namespace

struct Run::Parts {
  // Takes one of the options, of which the first costs nothing; the others are taken in later runs
  // if the budget allows. Returns its place.
  std::size_t choose(const std::vector<int>& costs) {
    std::size_t affordable = 0;
    std::array<std::size_t, 64> places{};
    for (std::size_t i = 0; i < costs.size() && affordable < places.size(); ++i) {
      if (costs[i] <= budget) places[affordable++] = i;
    }
    if (affordable == 1) return places[0];
    if (depth == path.size()) path.push_back({0, affordable});
    const std::size_t place = places[path[depth++].taken];
    budget -= costs[place];
    return place;
  }

  // The late stores of a thread that may become visible next.
  static std::vector<std::size_t> ripe(const Fiber& fiber) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < fiber.late.size(); ++i) {
      const LateStore& late = fiber.late[i];
      const bool is_ripe = std::none_of(
          fiber.late.begin(), fiber.late.begin() + static_cast<std::ptrdiff_t>(i),
          [&](const LateStore& before) { return late.is_release || before.place == late.place; });
      if (is_ripe) places.push_back(i);
    }
    return places;
  }

  static void apply(Fiber& fiber, std::size_t place) {
    fiber.late[place].write();
    fiber.late.erase(fiber.late.begin() + static_cast<std::ptrdiff_t>(place));
  }

  static bool is_ready(const Fiber& fiber) {
    return !fiber.has_ended && (!fiber.may_go_on || fiber.may_go_on());
  }

  [[nodiscard]] bool is_all_visible() const {
    return std::all_of(fibers.begin(), fibers.end(),
                       [](const auto& fiber) { return fiber->late.empty(); });
  }

  // What happens next, until a thread runs: returns it, or null when none can.
  Fiber* next(Fiber* current) {
    for (;;) {
      std::vector<int> costs;
      std::vector<std::function<Fiber*()>> options;
      const bool can_stay = current != nullptr && is_ready(*current);
      if (can_stay && budget == 0 && is_all_visible()) return current;  // most steps, and fast
      if (can_stay) {
        costs.push_back(0);
        options.push_back([current] { return current; });
      }
      for (const auto& fiber : fibers) {
        if (fiber.get() == current || !is_ready(*fiber)) continue;
        costs.push_back(can_stay ? 1 : 0);
        options.push_back([other = fiber.get()] { return other; });
      }
      for (const auto& fiber : fibers) {
        for (const std::size_t place : ripe(*fiber)) {
          costs.push_back(0);
          options.push_back([owner = fiber.get(), place] {
            apply(*owner, place);
            return static_cast<Fiber*>(nullptr);
          });
        }
      }
      if (options.empty()) return nullptr;
      if (Fiber* chosen = options[choose(costs)]()) return chosen;
    }
  }

  void switch_to(Fiber* fiber) {
    Fiber* const before = std::exchange(now, fiber);
    if (before == fiber) return;
    ucontext_t& from = before != nullptr ? before->context : home;
    ucontext_t& to = fiber != nullptr ? fiber->context : home;
#ifdef SCHEDULES_TELL_TSAN
    __tsan_switch_to_fiber(fiber != nullptr ? fiber->tsan : tsan_home, 0);
#endif
    ::swapcontext(&from, &to);
  }

  void start(Fiber& fiber) {
    ::getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    ::makecontext(
        &fiber.context,
        [] {
          Parts& parts = *current_run->parts_;
          parts.now->body();
          parts.now->has_ended = true;
          parts.switch_to(parts.next(parts.now));
        },
        0);
#ifdef SCHEDULES_TELL_TSAN
    fiber.tsan = __tsan_create_fiber(0);
#endif
  }

  void run_threads() {
#ifdef SCHEDULES_TELL_TSAN
    tsan_home = __tsan_get_current_fiber();
#endif
    for (const auto& fiber : fibers)
      start(*fiber);
    switch_to(next(nullptr));
    const bool all_ended = std::all_of(fibers.begin(), fibers.end(),
                                       [](const auto& fiber) { return fiber->has_ended; });
    if (!all_ended && failure.empty()) failure = "deadlock: no thread can go on";
#ifdef SCHEDULES_TELL_TSAN
    for (const auto& fiber : fibers)
      __tsan_destroy_fiber(fiber->tsan);
#endif
  }

  int budget = 0;
  std::vector<Choice> path;
  std::size_t depth = 0;  // in the path
  std::size_t steps = 0;
  std::string failure;
  std::vector<std::unique_ptr<Fiber>> fibers;
  std::function<void()> check;
  Fiber* now = nullptr;  // null: the scenario itself
  ucontext_t home{};
  void* tsan_home = nullptr;
};

Run& run() { return *current_run; }

Run::Run(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Run::~Run() = default;

void Run::thread(std::function<void()> body) {
  parts_->fibers.push_back(std::make_unique<Fiber>());
  parts_->fibers.back()->body = std::move(body);
}

void Run::at_end(std::function<void()> check) { parts_->check = std::move(check); }

void Run::expect(bool holds, const char* what) {
  if (!holds && parts_->failure.empty()) parts_->failure = what;
}

void Run::step() {
  if (parts_->now == nullptr) return;
  if (++parts_->steps > kStepsMax) {
    expect(false, "endless: a thread loops");
    parts_->switch_to(nullptr);
  }
  parts_->switch_to(parts_->next(parts_->now));
}

void Run::store(const void* place, std::function<void()> write, std::function<void(void*)> read,
                bool is_release) {
  Fiber* const now = parts_->now;
  if (now == nullptr) return write();
  // Behind a late store to the same place, or as a release behind any, it has to be late as well.
  const bool must_be_late =
      std::any_of(now->late.begin(), now->late.end(),
                  [&](const LateStore& before) { return is_release || before.place == place; });
  if (must_be_late || parts_->choose({0, 1}) == 1) {
    now->late.push_back({place, std::move(write), std::move(read), is_release});
  } else {
    write();
  }
}

bool Run::load(const void* place, void* value) const {
  if (parts_->now == nullptr) return false;
  const auto& late = parts_->now->late;
  const auto newest = std::find_if(
      late.rbegin(), late.rend(), [place](const LateStore& store) { return store.place == place; });
  if (newest == late.rend()) return false;
  newest->read(value);
  return true;
}

void Run::drain() {
  if (parts_->now == nullptr) return;
  while (!parts_->now->late.empty())
    Parts::apply(*parts_->now, 0);
}

void Run::drain_all() {
  for (const auto& fiber : parts_->fibers) {
    while (!fiber->late.empty())
      Parts::apply(*fiber, 0);
  }
}

void Run::wait(const std::function<bool()>& is_true) {
  if (is_true()) return;
  parts_->now->may_go_on = is_true;
  parts_->switch_to(parts_->next(parts_->now));
  parts_->now->may_go_on = nullptr;
}

Report explore(int deviations, const std::function<void(Run&)>& scenario) {
  Report report;
  std::vector<Choice> path;
  do {
    auto parts = std::make_unique<Run::Parts>();
    parts->budget = deviations;
    parts->path = std::move(path);
    Run run(std::move(parts));
    current_run = &run;
    scenario(run);
    run.parts_->run_threads();
    if (run.parts_->failure.empty() && run.parts_->check) run.parts_->check();
    ++report.schedules;
    report.failure = run.parts_->failure;
    path = std::move(run.parts_->path);
    current_run = nullptr;
    // The next one differs in the last choice that has an option left.
    while (!path.empty() && path.back().taken + 1 == path.back().count)
      path.pop_back();
    if (!path.empty()) ++path.back().taken;
  } while (report.failure.empty() && !path.empty());
  return report;
}

}  // namespace schedules
