#pragma once

#include <cstddef>
#include <cstdint>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// The circuit breaker of one endpoint; see CircuitBreaker. It is pure: time is an argument.
/// closed -> open: too many failures in a row, an overdue answer, or too few acknowledgements.
/// open -> half_open: recovery_timeout is over, or a probe found someone.
/// half_open -> closed: an acknowledgement, or a connection that held; -> open: a failure.
class EndpointBreaker {
 public:
  /// Of so many answers the share of acknowledgements is taken.
  static constexpr unsigned kAnswers = 20;

  explicit EndpointBreaker(const CircuitBreaker& policy) : policy_(policy) {}

  /// A connection could not be made, or was lost before it was stable.
  void failed(Instant now);
  /// An answer is overdue.
  void trip(Instant now);
  /// The connection has held.
  void held();
  /// An event was answered. Returns false when that opened it: too few are acknowledged.
  bool answered(Instant now, bool is_acknowledged);
  /// A call is about to be tried: leaves `open`. To be asked for at due(), or earlier when there is
  /// reason to think that it will work.
  void try_again();

  /// When a call may be tried: the epoch while it is not open.
  [[nodiscard]] Instant due() const { return state_ == BreakerState::open ? due_ : Instant(); }
  [[nodiscard]] BreakerState state() const { return state_; }
  [[nodiscard]] std::uint64_t trips() const { return trips_; }
  /// Unanswered events that are allowed.
  [[nodiscard]] std::size_t calls_max() const;
  /// How many of the last answers were acknowledgements, in percent; 100 without any.
  [[nodiscard]] unsigned success_percent() const;

 private:
  void open(Instant now);

  const CircuitBreaker policy_;
  BreakerState state_ = BreakerState::closed;
  Instant due_;                // of half_open
  unsigned failures_ = 0;      // in a row
  std::uint64_t trips_ = 0;    // since construction
  std::uint32_t answers_ = 0;  // the last ones, one bit each: acknowledged
  unsigned answered_ = 0;      // how many of the bits count
};

}  // namespace edgepost
