#pragma once

#include <optional>

#include "edgepost/time.hpp"

namespace edgepost::store {

/// Time that a database has lived: it counts while the machine has power, asleep or not, whatever
/// the wall clock does, and goes on where it was after a restart. Times to live and delays are
/// counted on it, so it may lag behind the truth and is never ahead of it.
/// Threads: any.
class LifeClock {
 public:
  /// Both clocks at one instant before.
  struct Mark {
    Duration life = Duration::zero();
    Instant since_boot;
  };

  /// Goes on from `newest`, the latest life known, or from `mark` if that is further. When the
  /// machine was started anew since `mark`, what it has been up counts as well. While the boot-time
  /// clock is behind the mark that is certain; otherwise the difference counts, which is right
  /// within one boot and less than the truth after another.
  /// Must outlive: `clock` this object.
  LifeClock(const Clock& clock, Duration newest, const std::optional<Mark>& mark);

  [[nodiscard]] Duration now() const { return at(clock_.since_boot()); }
  [[nodiscard]] Duration at(Instant since_boot) const {
    return since_boot.time_since_epoch() + at_boot_;
  }

 private:
  const Clock& clock_;
  Duration at_boot_;  // negative when the machine was up before the database was made
};

}  // namespace edgepost::store
