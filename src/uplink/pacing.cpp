#include "uplink/pacing.hpp"

#include <algorithm>
#include <limits>

namespace edgepost {
namespace {

constexpr std::int64_t kMillion = 1'000'000;
// Larger rates and depths than any link has would overflow.
constexpr std::uint64_t kRateMax = std::uint64_t{1} << 40U;

}  // namespace

TokenBucket::TokenBucket(std::uint64_t per_second, std::uint64_t depth)
    : per_second_(static_cast<std::int64_t>(std::min(per_second, kRateMax))),
      depth_(static_cast<std::int64_t>(
                 std::min(depth == 0 ? std::max<std::uint64_t>(per_second, 1) : depth, kRateMax)) *
             kMillion),
      level_(depth_) {}

std::size_t TokenBucket::available(Instant now) {
  if (per_second_ == 0) return std::numeric_limits<std::size_t>::max();
  if (!has_begun_) filled_at_ = now;
  has_begun_ = true;
  const std::int64_t elapsed = std::max<std::int64_t>(0, (now - filled_at_).count());
  const std::int64_t missing = depth_ - level_;
  // Compared before it is multiplied: an hour at a high rate is more than 64 bits hold.
  level_ = elapsed > missing / per_second_ ? depth_ : level_ + elapsed * per_second_;
  filled_at_ = now;
  const std::int64_t tokens = std::max<std::int64_t>(0, level_ / kMillion);
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::size_t>::max());
  return static_cast<std::size_t>(std::min(static_cast<std::uint64_t>(tokens), kMax));
}

void TokenBucket::take(std::int64_t tokens) {
  if (per_second_ == 0) return;
  constexpr auto kMax = static_cast<std::int64_t>(kRateMax);
  const Micros changed = level_ - std::clamp(tokens, -kMax, kMax) * kMillion;
  level_ = std::clamp(changed, -4 * kMax * kMillion, depth_);
}

Instant TokenBucket::due() const {
  if (per_second_ == 0 || level_ >= kMillion) return {};
  return filled_at_ + Duration((kMillion - level_ + per_second_ - 1) / per_second_);
}

void Pacer::sent(std::size_t weight) {
  if (!is_paced_) return;
  events_.take(1);
  bytes_.take(static_cast<std::int64_t>(weight));
  guessed_ += static_cast<std::int64_t>(weight);
}

void Pacer::counted(std::uint64_t bytes) {
  if (!is_paced_) return;
  const auto sent = static_cast<std::int64_t>(bytes);
  const std::int64_t foreseen = std::min(sent, guessed_);
  guessed_ -= foreseen;
  bytes_.take(sent - foreseen);
}

void Pacer::idle() {
  if (guessed_ == 0) return;
  bytes_.take(-guessed_);
  guessed_ = 0;
}

Instant Pacer::due() const { return std::max(events_.due(), bytes_.due()); }

}  // namespace edgepost
