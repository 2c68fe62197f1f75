#pragma once

#include <chrono>

namespace edgepost {

/// A length of time. Every timeout, interval and age in the API is one.
using Duration = std::chrono::microseconds;

/// The tag of time points that never jump. Its epoch is the boot of the machine.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

/// A point of the monotonic clock: what all waiting is measured by.
using Instant = MonotonicClock::time_point;

/// A point of wall time, UTC, microseconds since 1970. Goes into events; nothing ever waits for it.
using Timestamp = std::chrono::sys_time<Duration>;

/// The seam through which the library asks for the time; it never asks the system itself.
/// Threads: every method may be called from any thread at once.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Time that never jumps and stands still while the machine sleeps (CLOCK_MONOTONIC).
  [[nodiscard]] virtual Instant now() const = 0;

  /// Time that never jumps and goes on while the machine sleeps (CLOCK_BOOTTIME).
  [[nodiscard]] virtual Instant since_boot() const = 0;

  /// The wall clock, which may be wrong by years and may jump at any moment (CLOCK_REALTIME).
  [[nodiscard]] virtual Timestamp wall() const = 0;

  /// True once the wall clock is known to be right, for example synchronised by NTP.
  [[nodiscard]] virtual bool wall_is_trusted() const = 0;
};

}  // namespace edgepost
