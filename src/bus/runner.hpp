#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "edgepost/time.hpp"
#include "platform/platform.hpp"

namespace edgepost::bus {

/// Whether a lane looks after a task: whoever adds work to it raises this afterwards; the lane
/// lowers it when it finds no more work, and looks once again, so that nothing is left behind. Work
/// is added and looked for with seq_cst, or under a mutex. `Atomic` is std::atomic, but in tests of
/// schedules.
template <template <typename> class Atomic>
class Readiness {
 public:
  /// True when it is up only now, so that the caller has to see to it that the task runs.
  bool raise() { return !is_up_.load() && !is_up_.exchange(true); }
  void lower() { is_up_.store(false); }

 private:
  Atomic<bool> is_up_{false};
};

/// Something that a lane runs when it is scheduled or when its time has come.
class Task : public std::enable_shared_from_this<Task> {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  /// Does what is due at `now` and returns when to be called again at the latest; not later than
  /// `now` when there was something to do: at once, after the others. Threads: one at a time.
  virtual Instant run(Instant now) = 0;

 private:
  friend class Lane;
  Readiness<std::atomic> readiness_;
  Task* next_ = nullptr;        // among those that are ready
  std::shared_ptr<Task> self_;  // while it is ready
  // The rest is the lane's, inside step() only.
  int idle_ = 0;                  // how often in a row nothing was found to do
  Instant due_ = Instant::max();  // as it stands in the lane's list
};

/// Tasks that run one after the other: on a worker's thread while there is one, else in step().
class Lane {
 public:
  /// Must outlive: `clock` and the tasks' use of it this object.
  Lane(const Clock& clock, std::string_view name) : clock_(clock), name_(name) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  /// Ends the worker and lets go of all tasks.
  ~Lane();

  /// Has `task` run soon. Costs one load when it is to run anyway; takes no lock but to wake the
  /// worker. Threads: any.
  void schedule(Task& task);

  /// Starts the worker, unless there is one. Errors: io_error when the system gives no thread.
  Status start();
  /// Ends the worker. Blocks: for a task that runs. Requires: not inside one.
  void stop();
  /// Runs what is scheduled and what is due at `now`; returns when to be called again at the
  /// latest.
  Instant step(Instant now);

  /// A task says how many events it has handled; inside run() only.
  void note_handled(Duration::rep count) { handled_ += count; }

  /// Whether the caller is inside a task of this lane.
  [[nodiscard]] bool is_current() const;

  /// Waits until `try_again` returns true; it is called again whenever tasks make_room(). False: it
  /// never did, as no worker runs or this is inside a task, which would be waiting for itself.
  template <typename TryAgain>
  bool wait_for_room(TryAgain try_again) {
    // Where the worker is quick, to sleep would take both sides longer than the worker takes.
    for (int look = 0; look < kLooks && is_running_ && !is_current(); ++look) {
      if (try_again()) return true;
      std::this_thread::yield();
    }
    std::unique_lock lock(room_mutex_);
    waiting_.fetch_add(1);
    bool is_done = try_again();
    while (!is_done && is_running_ && !is_current()) {
      room_.wait(lock);
      is_done = try_again();
    }
    waiting_.fetch_sub(1);
    return is_done;
  }

  /// Wakes who waits for room. Costs one atomic operation when nobody does.
  void make_room();

 private:
  using Tasks = std::vector<std::shared_ptr<Task>>;

  static constexpr int kLooks = 50;  // about 50 us where no other thread wants the processor

  Task* take_ready();
  void collect(Instant now);
  bool run_all(Instant now);
  void rest(std::shared_ptr<Task> task, Instant now);

  const Clock& clock_;
  const std::string name_;
  std::atomic<Task*> ready_ = nullptr;  // the one scheduled last
  std::atomic<std::thread::id> current_{};
  Tasks active_;     // those that are looked after; used inside step() only, as the next three
  Tasks timed_;      // those that have a time
  Instant since_{};  // that handled_ counts
  Duration::rep handled_ = 0;
  int looks_ = 0;            // how often an active task may be idle
  std::mutex worker_mutex_;  // guards worker_; innermost
  std::unique_ptr<Worker> worker_;
  std::atomic<bool> is_running_ = false;
  std::atomic<int> waiting_ = 0;
  std::mutex room_mutex_;
  std::condition_variable room_;
};

/// The lanes of a bus: one that all share, and one for each subscription that wants its own.
/// Threads: any, where nothing else is said.
class Runner {
 public:
  /// With `threads` workers start as soon as somebody wants a lane. Must outlive: `clock`.
  Runner(const Clock& clock, bool threads)
      : clock_(clock), threads_(threads), shared_(std::make_shared<Lane>(clock, "edgepost bus")) {}

  /// The shared lane. Errors: io_error when it needs a thread and the system gives none.
  Result<Lane*> shared();
  /// A new lane, until it is ended. Errors: as above.
  Result<Lane*> own(std::string_view name);
  /// Ends a lane that own() gave. Requires: nobody schedules tasks there any more. Its thread ends
  /// with the next reap(), since this may be inside its step.
  void end(const Lane& lane);
  /// Joins threads of lanes that ended. Blocks: for what is left of their last steps. Requires: no
  /// lock is held that a task wants.
  void reap();

  /// Starts all workers, or none. Errors: wrong_state (they run); io_error.
  Status start();
  /// Ends all workers; tasks stay. Requires: not inside a task.
  void stop();
  /// Steps every lane. Requires: no workers run; one thread at a time.
  Instant step(Instant now);

 private:
  // Shared with who walks over them while one ends.
  using Lanes = std::vector<std::shared_ptr<Lane>>;

  Status start_all();
  Lanes lanes();

  const Clock& clock_;
  std::mutex mutex_;  // guards all below
  bool threads_;
  const std::shared_ptr<Lane> shared_;
  Lanes own_;
  Lanes ended_;
};

}  // namespace edgepost::bus
