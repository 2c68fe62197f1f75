#pragma once

#include <atomic>

#include "edgepost/time.hpp"

namespace edgepost::sim {

/// The clocks of a machine, which move only when told to. They start one hour after boot, at
/// 2026-11-21T07:00:00Z, with a wall clock that is trusted.
/// Threads: any.
class VirtualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override;
  [[nodiscard]] Instant since_boot() const override;
  [[nodiscard]] Timestamp wall() const override;
  [[nodiscard]] bool wall_is_trusted() const override { return is_trusted_; }

  /// Time passes: all clocks move on together. Requires: `by` is not negative.
  void advance(Duration by);

  /// The machine sleeps: the monotonic clock stands still, the others move on. Requires: `length`
  /// is not negative.
  void suspend(Duration length);

  /// The wall clock alone is set.
  void set_wall(Timestamp to) { wall_ = to.time_since_epoch().count(); }

  /// The wall clock alone jumps, forward or back.
  void jump_wall(Duration by) { wall_ += by.count(); }

  /// Whether the wall clock is known to be right. Its reading stays.
  void set_trusted(bool is_trusted) { is_trusted_ = is_trusted; }

  /// The machine was off for `length` and boots: monotonic and boot clock begin anew at zero. The
  /// wall clock has gone on, as one with a battery does; for one without, set it to 1970 and not
  /// trusted. Requires: no gateway that uses this clock is open; `length` is not negative.
  void reboot(Duration length);

 private:
  using Count = std::atomic<Duration::rep>;
  Count awake_{Duration(std::chrono::hours(1)).count()};
  Count asleep_{0};
  Count wall_{Duration(std::chrono::seconds(1'795'244'400)).count()};
  std::atomic<bool> is_trusted_{true};
};

}  // namespace edgepost::sim
