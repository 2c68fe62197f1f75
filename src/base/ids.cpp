#include "base/ids.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace edgepost {

EventId IdSource::next(Timestamp wall) {
  constexpr std::size_t kRandomBytes = 10;
  std::array<std::uint8_t, 16> id{};

  // A clock before 1970 is a clock that is not set: the random bits alone tell its ids apart.
  const auto since_1970 = std::chrono::floor<std::chrono::milliseconds>(wall.time_since_epoch());
  const std::int64_t milliseconds = std::max<std::int64_t>(since_1970.count(), 0);
  for (std::size_t at = 0; at < 6; ++at) {
    id[at] = static_cast<std::uint8_t>(milliseconds >> (40 - 8 * at));
  }
  {
    const std::lock_guard lock(mutex_);
    if (used_ == pool_.size()) {
      random_.fill(RandomUse::ids, pool_);
      used_ = 0;
    }
    for (std::size_t at = 0; at < kRandomBytes; ++at) {
      id[6 + at] = std::to_integer<std::uint8_t>(pool_[used_ + at]);
    }
    used_ += kRandomBytes;
  }
  id[6] = static_cast<std::uint8_t>(0x70U | (id[6] & 0x0FU));  // version 7
  id[8] = static_cast<std::uint8_t>(0x80U | (id[8] & 0x3FU));  // variant of RFC 9562
  return EventId(id);
}

}  // namespace edgepost
