#pragma once

#include <functional>
#include <memory>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// Fills the null members of `wanted` with this machine's own.
Platform complete(const Platform& wanted);

/// A thread that calls one function over and over: `step(now)` does what is due and returns when
/// it wants to be called again at the latest.
class Worker {
 public:
  using Step = std::function<Instant(Instant now)>;

  /// Starts the thread. Must outlive: `clock` this object.
  /// Errors: io_error when the system gives no thread.
  static Result<std::unique_ptr<Worker>> start(const Clock& clock, Step step);

  /// Ends the thread after the step in progress.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Makes the next step begin now. Threads: any.
  void wake();

 private:
  struct Shared;
  explicit Worker(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

}  // namespace edgepost
