#include "uplink/breaker.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

namespace edgepost {

void EndpointBreaker::failed(Instant now) {
  ++failures_;
  const bool is_closed = state_ == BreakerState::closed;
  if (state_ == BreakerState::open || (is_closed && failures_ < policy_.failure_threshold)) return;
  open(now);
}

void EndpointBreaker::trip(Instant now) {
  ++failures_;
  if (state_ != BreakerState::open) open(now);
}

void EndpointBreaker::held() {
  failures_ = 0;
  state_ = BreakerState::closed;
}

bool EndpointBreaker::answered(Instant now, bool is_acknowledged) {
  answers_ = (answers_ << 1U) | (is_acknowledged ? 1U : 0U);
  answered_ = std::min(answered_ + 1, kAnswers);
  if (is_acknowledged && state_ == BreakerState::half_open) held();
  if (answered_ < kAnswers || success_percent() >= policy_.success_percent_min) return true;
  open(now);
  return false;
}

void EndpointBreaker::try_again() {
  if (state_ == BreakerState::open) state_ = BreakerState::half_open;
}

std::size_t EndpointBreaker::calls_max() const {
  switch (state_) {
    case BreakerState::closed:
      return std::numeric_limits<std::size_t>::max();
    case BreakerState::half_open:
      return policy_.half_open_max_calls;
    case BreakerState::open:
      break;
  }
  return 0;
}

unsigned EndpointBreaker::success_percent() const {
  if (answered_ == 0) return 100;
  const std::uint32_t counted = answers_ & ((std::uint32_t{1} << answered_) - 1);
  return static_cast<unsigned>(std::popcount(counted)) * 100 / answered_;
}

void EndpointBreaker::open(Instant now) {
  state_ = BreakerState::open;
  due_ = now + policy_.recovery_timeout;
  answered_ = 0;  // What comes next is judged by itself.
  ++trips_;
}

}  // namespace edgepost
