#include "store/life.hpp"

#include <algorithm>

namespace edgepost::store {

LifeClock::LifeClock(const Clock& clock, Duration newest, const std::optional<Mark>& mark)
    : clock_(clock) {
  const Instant since_boot = clock.since_boot();
  Duration life = newest;
  if (mark && since_boot >= mark->since_boot) {
    life = std::max(newest, mark->life + (since_boot - mark->since_boot));
  } else if (mark) {
    life = std::max(newest, mark->life) + since_boot.time_since_epoch();
  }
  at_boot_ = life - since_boot.time_since_epoch();
}

}  // namespace edgepost::store
