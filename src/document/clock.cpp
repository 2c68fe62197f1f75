#include "document/clock.hpp"

#include <algorithm>

namespace edgepost::document {

HybridClock::HybridClock(Timestamp floor, HybridTime last, Instant since_boot)
    : floor_(std::max(floor, physical_part(last))), begun_(since_boot), last_(last) {}

HybridTime HybridClock::next(Timestamp wall, Instant since_boot, HybridTime field) {
  last_ = std::max({at(physical(wall, since_boot)), last_ + 1, field + 1});
  return last_;
}

void HybridClock::observe(HybridTime remote) {
  last_ = std::max(last_, remote);
  if (!is_trusted_) floor_ = std::max(floor_, physical_part(remote));
}

Timestamp HybridClock::physical(Timestamp wall, Instant since_boot) const {
  return is_trusted_ ? wall : floor_ + (since_boot - begun_);
}

HybridTime at(Timestamp time) {
  const auto since_1970 =
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return static_cast<HybridTime>(std::max<std::int64_t>(since_1970, 0)) << 16U;
}

Timestamp physical_part(HybridTime time) {
  return Timestamp(std::chrono::milliseconds(static_cast<std::int64_t>(time >> 16U)));
}

}  // namespace edgepost::document
