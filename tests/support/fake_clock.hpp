#pragma once

#include <atomic>

#include "edgepost/time.hpp"

namespace edgepost::test {

/// A clock that moves only when a test moves it. It starts one hour after boot, at
/// 2026-11-21T07:00:00Z, trusted.
/// Threads: any.
class FakeClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return Instant(Duration(awake_)); }
  [[nodiscard]] Instant since_boot() const override {
    return Instant(Duration(awake_) + Duration(asleep_));
  }
  [[nodiscard]] Timestamp wall() const override { return Timestamp(Duration(wall_)); }
  [[nodiscard]] bool wall_is_trusted() const override { return trusted_; }

  /// All clocks move on together.
  void advance(Duration by) {
    awake_ += by.count();
    wall_ += by.count();
  }

  /// The machine sleeps: the monotonic clock stands still, the others move on.
  void suspend(Duration length) {
    asleep_ += length.count();
    wall_ += length.count();
  }

  /// The wall clock alone jumps.
  void set_wall(Timestamp to) { wall_ = to.time_since_epoch().count(); }
  void set_trusted(bool trusted) { trusted_ = trusted; }

 private:
  using Count = std::atomic<Duration::rep>;
  Count awake_{Duration(std::chrono::hours(1)).count()};
  Count asleep_{0};
  Count wall_{Duration(std::chrono::seconds(1'795'244'400)).count()};
  std::atomic<bool> trusted_{true};
};

}  // namespace edgepost::test
