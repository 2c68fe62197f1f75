#include "subscriber/breaker.hpp"

namespace edgepost {

Instant Breaker::admit(Instant now) {
  if (state_ == State::open && now >= due_) state_ = State::half_open;
  if (state_ == State::open) return due_;
  if (state_ == State::closed) return now;
  if (is_trying_) return Instant::max();
  is_trying_ = true;
  return now;
}

void Breaker::succeeded() {
  state_ = State::closed;
  failures_ = 0;
  is_trying_ = false;
}

void Breaker::failed(Instant now) {
  is_trying_ = false;
  // Calls that had begun before it opened add nothing to the pause.
  if (state_ == State::open) return;
  ++failures_;
  const bool trips = policy_.trip_after > 0 && failures_ >= policy_.trip_after;
  if (state_ == State::closed && !trips) return;
  state_ = State::open;
  due_ = now + policy_.open_for;
}

}  // namespace edgepost
