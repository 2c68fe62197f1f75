#pragma once

#include "edgepost/sim/clock.hpp"

namespace edgepost::test {

/// Hands out the wall clock as the monotonic one.
class WallAsMonotonic final : public Clock {
 public:
  explicit WallAsMonotonic(const sim::VirtualClock& behind) : behind_(behind) {}

  [[nodiscard]] Instant now() const override { return Instant(behind_.wall().time_since_epoch()); }
  [[nodiscard]] Instant since_boot() const override { return now(); }
  [[nodiscard]] Timestamp wall() const override { return behind_.wall(); }
  [[nodiscard]] bool wall_is_trusted() const override { return behind_.wall_is_trusted(); }

 private:
  const sim::VirtualClock& behind_;
};

/// Has no battery and asks nobody for the date: it shows 1970 for ever.
class NoDate final : public Clock {
 public:
  explicit NoDate(const sim::VirtualClock& behind) : behind_(behind) {}

  [[nodiscard]] Instant now() const override { return behind_.now(); }
  [[nodiscard]] Instant since_boot() const override { return behind_.since_boot(); }
  [[nodiscard]] Timestamp wall() const override { return Timestamp{}; }
  [[nodiscard]] bool wall_is_trusted() const override { return false; }

 private:
  const sim::VirtualClock& behind_;
};

}  // namespace edgepost::test
