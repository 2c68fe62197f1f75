#pragma once

#include "edgepost/subscriber.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// Decides whether a handler may be called; see BreakerPolicy. It is pure: time is an argument.
/// Threads: one at a time.
class Breaker {
 public:
  explicit Breaker(const BreakerPolicy& policy) : policy_(policy) {}

  /// At `now`: the handler may be called, and succeeded(), failed() or unused() must follow. Later:
  /// when to ask again; Instant::max(): when the try in progress has ended.
  Instant admit(Instant now);

  /// The call returned ok, or said that the event is at fault.
  void succeeded();
  /// The call failed.
  void failed(Instant now);
  /// There was nothing to call the handler for.
  void unused() { is_trying_ = false; }

  /// True while the handler is not called, or only for a try.
  [[nodiscard]] bool is_open() const { return state_ != State::closed; }

 private:
  enum class State : unsigned char {
    closed,     ///< -> open: so many calls in a row failed.
    open,       ///< -> half_open: the pause is over; -> closed: a call begun before it succeeded.
    half_open,  ///< -> closed: the try succeeded; -> open: it failed.
  };

  BreakerPolicy policy_;
  State state_ = State::closed;
  unsigned failures_ = 0;   // in a row
  Instant due_;             // of half_open
  bool is_trying_ = false;  // in half_open
};

}  // namespace edgepost
