#include "edgepost/sim/clock.hpp"

#include "edgepost/status.hpp"

namespace edgepost::sim {

Instant VirtualClock::now() const { return Instant(Duration(awake_)); }

Instant VirtualClock::since_boot() const { return Instant(Duration(awake_) + Duration(asleep_)); }

Timestamp VirtualClock::wall() const { return Timestamp(Duration(wall_)); }

void VirtualClock::advance(Duration by) {
  EDGEPOST_ASSERT(by >= Duration::zero());
  awake_ += by.count();
  wall_ += by.count();
}

void VirtualClock::suspend(Duration length) {
  EDGEPOST_ASSERT(length >= Duration::zero());
  asleep_ += length.count();
  wall_ += length.count();
}

void VirtualClock::reboot(Duration length) {
  EDGEPOST_ASSERT(length >= Duration::zero());
  awake_ = 0;
  asleep_ = 0;
  wall_ += length.count();
}

}  // namespace edgepost::sim
