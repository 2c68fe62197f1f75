#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// A tiny model checker for lock-free code. It runs a few small threads in every order in which
/// their atomic operations can follow each other, up to a number of deviations from "one after the
/// other, each store seen at once". A deviation is a switch away from a thread that could go on, or
/// a store that others see later (a store buffer). A late store becomes visible at any time, before
/// or after later stores of its thread to other places, but no later than a release store behind
/// it, a read-modify-write, a fence, or a barrier of the kernel. Loads keep their order.
namespace schedules {

/// One order of operations, as it is being made.
class Run;

/// What was found.
struct Report {
  std::size_t schedules = 0;  ///< How many different ones were run.
  std::string failure{};      ///< Of the first that broke an expectation; empty: none did.
};

/// Calls `scenario` for each schedule. It makes its state and calls Run::thread for each thread.
/// Ends at the first failure, which a deadlock and an endless loop are, too.
Report explore(int deviations, const std::function<void(Run&)>& scenario);

/// The run that is going on. Requires: inside a scenario or one of its threads.
Run& run();

class Run {
 public:
  /// Adds a thread. Must outlive: what it refers to, the run (capture by shared_ptr or by value).
  void thread(std::function<void()> body);

  /// Is called when all threads have ended and all their stores are visible.
  void at_end(std::function<void()> check);

  /// Notes a failure, unless `holds`.
  void expect(bool holds, const char* what);

  /// What the types below are made of: the place where other threads may come in; a store; what
  /// the thread sees; all its late stores become visible; those of every thread do.
  void step();
  void store(const void* place, std::function<void()> write, std::function<void(void*)> read,
             bool is_release);
  bool load(const void* place, void* value) const;
  void drain();
  void drain_all();

  /// The thread goes on when `is_true`, which it looks at without a step.
  void wait(const std::function<bool()>& is_true);

 private:
  friend Report explore(int deviations, const std::function<void(Run&)>& scenario);
  struct Parts;
  explicit Run(std::unique_ptr<Parts> parts);
  ~Run();
  std::unique_ptr<Parts> parts_;
};

/// std::atomic, as far as it is needed.
template <typename T>
class Atomic {
 public:
  Atomic() = default;
  Atomic(T value) : value_(value) {}  // NOLINT: implicit, as std::atomic's
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order /*order*/ = std::memory_order_seq_cst) const {
    run().step();
    return seen();
  }

  void store(T value, std::memory_order order = std::memory_order_seq_cst) {
    run().step();
    run().store(
        this, [this, value] { value_ = value; },
        [value](void* out) { *static_cast<T*>(out) = value; }, order != std::memory_order_relaxed);
    if (order == std::memory_order_seq_cst) run().drain();
  }

  T exchange(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) {
    run().step();
    run().drain();
    return std::exchange(value_, value);
  }

  T fetch_add(T value, std::memory_order /*order*/ = std::memory_order_seq_cst) {
    run().step();
    run().drain();
    return std::exchange(value_, static_cast<T>(value_ + value));
  }

  bool compare_exchange_strong(T& expected, T value,
                               std::memory_order /*success*/ = std::memory_order_seq_cst,
                               std::memory_order /*failure*/ = std::memory_order_seq_cst) {
    run().step();
    run().drain();
    if (value_ != expected) {
      expected = value_;
      return false;
    }
    value_ = value;
    return true;
  }

  bool compare_exchange_weak(T& expected, T value,
                             std::memory_order success = std::memory_order_seq_cst,
                             std::memory_order failure = std::memory_order_seq_cst) {
    return compare_exchange_strong(expected, value, success, failure);
  }

  /// What everybody sees, without a step: for Run::wait and Run::at_end.
  [[nodiscard]] T peek() const { return value_; }

 private:
  T seen() const {
    T value = value_;
    run().load(this, &value);
    return value;
  }

  T value_{};
};

/// Memory that is no atomic: what one thread writes and another reads after it was handed over.
template <typename T>
class Plain {
 public:
  Plain() = default;
  void write(T value) { value_.store(value, std::memory_order_relaxed); }
  T read() const { return value_.load(std::memory_order_relaxed); }

 private:
  Atomic<T> value_;
};

/// std::mutex.
class Mutex {
 public:
  void lock() {
    run().step();
    run().wait([this] { return !is_locked_; });
    is_locked_ = true;
  }
  void unlock() {
    run().drain();
    is_locked_ = false;
  }

 private:
  bool is_locked_ = false;
};

/// std::condition_variable.
class Condition {
 public:
  void wait(Mutex& mutex) {
    const std::uint64_t before = signals_;
    mutex.unlock();
    run().wait([this, before] { return signals_ != before; });
    mutex.lock();
  }
  void notify_all() {
    run().step();
    ++signals_;
  }

 private:
  std::uint64_t signals_ = 0;
};

/// platform/barrier.hpp in its two ways; `lacks_…` leaves a side out, to see what it is there for.
struct Barrier {
  bool is_asymmetric = false;
  bool lacks_light = false;
  bool lacks_heavy = false;

  void light() const {
    run().step();
    if (!is_asymmetric && !lacks_light) run().drain();
  }
  void heavy() const {
    run().step();
    if (lacks_heavy) return;
    if (is_asymmetric) {
      run().drain_all();
    } else {
      run().drain();
    }
  }
};

}  // namespace schedules
