#include "bus/runner.hpp"

#include <algorithm>
#include <utility>

namespace edgepost::bus {
namespace {

// Where events come more often than this, a worker looks for more before it sleeps, as to be woken
// takes longer. Where they do not, it sleeps at once: it would stand in line behind whoever else
// wants the processor, while one that is woken goes first.
constexpr Duration kSparse = std::chrono::microseconds(4);
constexpr Duration kWindow = std::chrono::milliseconds(1);

}  // namespace

Lane::~Lane() {
  stop();
  while (Task* task = take_ready()) {
    while (task != nullptr) {
      const std::shared_ptr<Task> self = std::move(task->self_);
      task = task->next_;
    }
  }
}

void Lane::schedule(Task& task) {
  if (!task.readiness_.raise()) return;
  task.self_ = task.shared_from_this();
  Task* last = ready_.load(std::memory_order_relaxed);
  do {
    task.next_ = last;
  } while (!ready_.compare_exchange_weak(last, &task));
  if (last != nullptr) return;  // who scheduled that one wakes the worker
  const std::lock_guard lock(worker_mutex_);
  if (worker_) worker_->wake();
}

Status Lane::start() {
  const std::lock_guard lock(worker_mutex_);
  if (worker_) return {};
  auto worker = Worker::start(
      clock_, [this](Instant now) { return step(now); }, name_);
  if (!worker) return worker.status();
  worker_ = std::move(*worker);
  is_running_ = true;
  return {};
}

void Lane::stop() {
  std::unique_ptr<Worker> worker;
  {
    const std::lock_guard lock(worker_mutex_);
    worker.swap(worker_);
  }
  {
    const std::lock_guard lock(room_mutex_);
    is_running_ = false;
    room_.notify_all();
  }
  worker.reset();  // without the lock, which a task that schedules another one wants
}

Instant Lane::step(Instant now) {
  current_ = std::this_thread::get_id();
  if (now - since_ >= kWindow) {
    const bool is_dense = handled_ * kSparse > now - since_;
    looks_ = is_running_ && is_dense ? kLooks : 0;
    since_ = now;
    handled_ = 0;
  }
  collect(now);
  while (!run_all(now) && !active_.empty()) {
    std::this_thread::yield();
    collect(now);
  }
  Instant next = active_.empty() && ready_.load() == nullptr ? Instant::max() : now;
  for (const auto& timed : timed_)
    next = std::min(next, timed->due_);
  current_ = std::thread::id();
  return next;
}

// Looks after those that are ready, and those whose time has come.
void Lane::collect(Instant now) {
  for (Task* task = take_ready(); task != nullptr;) {
    Task* const next = task->next_;
    active_.push_back(std::move(task->self_));
    task = next;
  }
  std::erase_if(timed_, [&](const auto& task) {
    if (task->due_ > now) return false;
    task->due_ = Instant::max();
    if (task->readiness_.raise()) active_.push_back(task);
    return true;
  });
}

// Whether there was something to do.
bool Lane::run_all(Instant now) {
  bool is_busy = false;
  const std::size_t count = active_.size();
  for (std::size_t i = 0; i < count; ++i) {
    Task& task = *active_[i];
    if (task.run(now) <= now) {
      is_busy = true;
      task.idle_ = 0;
    } else if (++task.idle_ > looks_) {
      rest(std::exchange(active_[i], nullptr), now);
    }
  }
  std::erase(active_, nullptr);
  return is_busy;
}

void Lane::rest(std::shared_ptr<Task> task, Instant now) {
  task->idle_ = 0;
  task->readiness_.lower();
  const Instant due = task->run(now);
  if (due <= now) {
    if (task->readiness_.raise()) active_.push_back(std::move(task));
    return;
  }
  if (task->due_ != Instant::max()) std::erase(timed_, task);
  task->due_ = due;
  if (due != Instant::max()) timed_.push_back(std::move(task));
}

bool Lane::is_current() const { return current_.load() == std::this_thread::get_id(); }

void Lane::make_room() {
  // A read-modify-write is in one order with those of the waiting: either it sees them, or they see
  // the room that was made before it.
  if (waiting_.fetch_add(0) == 0) return;
  const std::lock_guard lock(room_mutex_);
  room_.notify_all();
}

// In the order of scheduling.
Task* Lane::take_ready() {
  Task* last = ready_.exchange(nullptr);
  Task* first = nullptr;
  while (last != nullptr) {
    Task* const before = std::exchange(last->next_, first);
    first = std::exchange(last, before);
  }
  return first;
}

Result<Lane*> Runner::shared() {
  const std::lock_guard lock(mutex_);
  if (threads_) {
    if (Status status = shared_->start(); !status.is_ok()) return status;
  }
  return shared_.get();
}

Result<Lane*> Runner::own(std::string_view name) {
  auto lane = std::make_shared<Lane>(clock_, name);
  const std::lock_guard lock(mutex_);
  if (threads_) {
    if (Status status = lane->start(); !status.is_ok()) return status;
  }
  own_.push_back(std::move(lane));
  return own_.back().get();
}

void Runner::end(const Lane& lane) {
  const std::lock_guard lock(mutex_);
  const auto place =
      std::find_if(own_.begin(), own_.end(), [&](const auto& own) { return own.get() == &lane; });
  if (place == own_.end()) return;
  ended_.push_back(std::move(*place));
  own_.erase(place);
}

void Runner::reap() {
  Lanes ended;  // destroyed without the lock
  const std::lock_guard lock(mutex_);
  std::erase_if(ended_, [&](auto& lane) {
    if (lane->is_current()) return false;
    ended.push_back(std::move(lane));
    return true;
  });
}

Status Runner::start() {
  const std::lock_guard lock(mutex_);
  if (threads_) return {Code::wrong_state, "bus: its workers run already"};
  Status status = start_all();
  threads_ = status.is_ok();
  return status;
}

Status Runner::start_all() {
  Status status = shared_->start();
  for (std::size_t i = 0; i < own_.size() && status.is_ok(); ++i)
    status = own_[i]->start();
  if (status.is_ok()) return status;
  shared_->stop();
  for (const auto& lane : own_)
    lane->stop();
  return status;
}

void Runner::stop() {
  {
    const std::lock_guard lock(mutex_);
    threads_ = false;
  }
  for (const auto& lane : lanes())
    lane->stop();
  reap();
}

Instant Runner::step(Instant now) {
  Instant next = Instant::max();
  for (const auto& lane : lanes())
    next = std::min(next, lane->step(now));
  return next;
}

// All of them, for use without the lock, which handlers that subscribe want.
Runner::Lanes Runner::lanes() {
  const std::lock_guard lock(mutex_);
  Lanes lanes = own_;
  lanes.push_back(shared_);
  return lanes;
}

}  // namespace edgepost::bus
