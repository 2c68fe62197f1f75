#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// Fills the null members of `wanted` with this machine's own.
Platform complete(const Platform& wanted);

/// The number of this process.
std::int64_t process_id();

/// A thread that calls one function over and over: `step(now)` does what is due and returns when
/// it wants to be called again at the latest. The first call comes at once. The thread has a
/// stack of 256 KiB and takes no signals from the host, except those its own faults raise.
class Worker {
 public:
  using Step = std::function<Instant(Instant now)>;

  /// Starts the thread. `name` is what a debugger or `top -H` shows, at most 15 bytes of it.
  /// Must outlive: `clock` this object.
  /// Errors: io_error when the system gives no thread.
  static Result<std::unique_ptr<Worker>> start(const Clock& clock, Step step,
                                               std::string_view name = "edgepost");

  /// Ends the thread after the step in progress. Requires: not called inside a step.
  /// Blocks: for the step in progress.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Makes the next step begin now; during a step, another one follows it at once. Threads: any.
  void wake();

 private:
  struct Shared;
  explicit Worker(std::unique_ptr<Shared> shared);
  std::unique_ptr<Shared> shared_;
};

}  // namespace edgepost
