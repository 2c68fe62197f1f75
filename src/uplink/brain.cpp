#include "uplink/brain.hpp"

#include <algorithm>
#include <chrono>

#include "base/backoff.hpp"

namespace edgepost {
namespace {

// Spreads a fleet whose link comes back for all at once.
constexpr RetryPolicy kReturnJitter = {.initial_delay = std::chrono::milliseconds(300)};
std::string seconds(Duration length) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(length).count()) + " s";
}

}  // namespace

Brain::Brain(const UplinkOptions& options, Random& random)
    : retry_(options.retry),
      policy_(options.breaker),
      max_in_flight_(options.max_in_flight),
      connect_timeout_(options.connect_timeout),
      probe_interval_(options.probe_interval),
      blocked_retry_(options.blocked_retry),
      random_(random),
      breaker_(policy_) {}

void Brain::start(Instant now) {
  if (state_ != UplinkState::stopped) return;
  failures_ = 0;
  refused_credentials_ = 0;
  refreshes_ = 0;
  is_probing_ = false;
  was_hastened_ = false;
  due_ = std::max(now, breaker_.due());
  state_ = UplinkState::waiting;
}

void Brain::stop(Instant deadline) {
  due_ = deadline;
  const bool has_link = state_ == UplinkState::online || state_ == UplinkState::draining;
  state_ = has_link ? UplinkState::draining : UplinkState::stopped;
}

void Brain::retry_now(Instant now) {
  if (state_ != UplinkState::blocked && state_ != UplinkState::waiting) return;
  refused_credentials_ = 0;
  refreshes_ = 0;
  due_ = now;
  state_ = UplinkState::waiting;
}

void Brain::connected(Instant now, const PeerLimits& limits) {
  if (state_ != UplinkState::connecting) return;
  is_batched_ = limits.batch_events_max > 0;
  const std::size_t max = is_batched_ ? limits.batch_events_max : limits.in_flight_max;
  window_.begin(std::max<std::size_t>(1, std::min(max_in_flight_, max)));
  connected_at_ = moved_at_ = looked_at_ = now;
  is_held_ = false;
  was_hastened_ = false;
  paused_until_ = now;
  pauses_ = 0;
  ++connects_;
  state_ = UplinkState::online;
}

void Brain::disconnected(Instant now, const Answer& why) {
  link_open_ = false;
  leave(now, why);
}

void Brain::probed(Instant now, bool is_reachable) {
  if (!is_probing_) return;
  is_probing_ = !is_reachable;
  if (!is_reachable) was_hastened_ = false;
  if (state_ == UplinkState::connecting) {
    // Nobody, and now someone: the attempt began too early and waits for its next packet.
    const bool is_return = is_reachable && seen_ == Seen::nobody;
    seen_ = is_reachable ? Seen::someone : Seen::nobody;
    if (!is_return) return;
    failures_ = 0;
    due_ = now;
    state_ = UplinkState::waiting;
  } else if (state_ == UplinkState::waiting) {
    if (is_reachable && hastens_) {
      due_ = std::min(due_, now + backoff_delay(kReturnJitter, 0, random_));
      failures_ = 0;
      was_hastened_ = true;
    }
    hastens_ = !is_reachable;
  }
}

// Leaves the link for the state that `why` asks for. The driver hears of it from advance().
void Brain::leave(Instant now, const Answer& why) {
  if (!wants_link()) return;
  void_flights();
  if (state_ == UplinkState::draining) {
    state_ = UplinkState::stopped;
    return;
  }
  last_error_ = why.reason;
  ++total_failures_;
  has_bad_credentials_ = why.meaning == AnswerClass::credentials;
  const bool is_blocked = why.meaning == AnswerClass::configuration ||
                          (has_bad_credentials_ && refused_credentials_ > 0);
  if (is_blocked) {
    due_ = blocked_retry_ > Duration::zero() ? now + blocked_retry_ : Instant::max();
    state_ = UplinkState::blocked;
  } else if (has_bad_credentials_) {
    ++refused_credentials_;
    is_probing_ = false;
    // At once, for they may only have been outdated. But a broker that takes one event and refuses
    // who we are for the next one is not connected to in a circle.
    due_ = refreshes_ == 0 ? now : now + backoff_delay(retry_, refreshes_ - 1, random_);
    ++refreshes_;
    state_ = UplinkState::waiting;
  } else {
    back_off(now, why);
  }
}

// Being accepted proves little: only a connection that held makes the next delay short again.
void Brain::back_off(Instant now, const Answer& why) {
  if (has_held(now)) {
    hold(now);
  } else {
    breaker_.failed(now);
  }
  const Duration asked =
      std::min(why.retry_after.value_or(Duration::zero()), Brain::kRetryAfterMax);
  const Duration delay = backoff_delay(retry_, failures_++, random_);
  due_ = std::max(now + std::max(delay, asked), breaker_.due());
  is_probing_ = why.meaning == AnswerClass::link_down && !why.retry_after;
  // When an attempt that a probe has hastened found nobody, probe and attempt disagree: no
  // spinning.
  hastens_ = why.is_unreachable && !was_hastened_;
  probe_at_ = now;
  state_ = UplinkState::waiting;
}

void Brain::hold(Instant now) {
  if (state_ != UplinkState::online || is_held_) return;
  is_held_ = true;
  failures_ = 0;
  refused_credentials_ = 0;
  refreshes_ = 0;
  // What overdue answers have opened stays open.
  if (breaker_.due() <= now) breaker_.held();
}

LinkAction Brain::advance(Instant now, bool may_probe) {
  may_probe_ = may_probe;
  if (state_ == UplinkState::connecting && now >= due_) {
    Answer late{AnswerClass::link_down, "not accepted within " + seconds(connect_timeout_), {}};
    late.is_unreachable = seen_ == Seen::nobody;
    leave(now, late);
  } else if (state_ == UplinkState::online && now >= overdue_at()) {
    breaker_.trip(now);
    leave(now, {AnswerClass::link_down, "no answer for " + seconds(policy_.trip_after), {}});
  } else if (state_ == UplinkState::online && has_held(now)) {
    hold(now);
  } else if (state_ == UplinkState::draining && (in_flight_ == 0 || now >= due_)) {
    void_flights();
    state_ = UplinkState::stopped;
  }
  if (link_open_ && !wants_link()) {
    link_open_ = false;
    return LinkAction::disconnect;
  }
  const bool is_apart = state_ == UplinkState::waiting || state_ == UplinkState::blocked;
  if (is_apart && now >= due_) {
    begin_attempt(now);
    return LinkAction::connect;
  }
  if (!probes() || now < probe_at_) return LinkAction::none;
  probe_at_ = now + probe_interval_;
  return LinkAction::probe;
}

void Brain::begin_attempt(Instant now) {
  breaker_.try_again();
  state_ = UplinkState::connecting;
  due_ = now + connect_timeout_;
  seen_ = Seen::nothing;
  is_probing_ = true;
  probe_at_ = now + probe_interval_;
  link_open_ = true;
}

Instant Brain::wake_up(Instant now) const {
  if (link_open_ && !wants_link()) return now;
  const Instant probe = probes() ? probe_at_ : Instant::max();
  Instant due = Instant::max();
  switch (state_) {
    case UplinkState::stopped:
      break;
    case UplinkState::blocked:
    case UplinkState::waiting:
    case UplinkState::connecting:
      due = due_;
      break;
    case UplinkState::draining:
      due = in_flight_ == 0 ? now : due_;
      break;
    case UplinkState::online:
      if (now < paused_until_) due = paused_until_;
      if (!is_held_) due = std::min(due, connected_at_ + retry_.stable_after);
      if (in_flight_ > 0) due = std::min({due, overdue_at(), looked_at_ + look_interval()});
      break;
  }
  return std::min(due, probe);
}

bool Brain::wants_link() const {
  return state_ == UplinkState::connecting || state_ == UplinkState::online ||
         state_ == UplinkState::draining;
}

bool Brain::probes() const {
  const bool is_apart = state_ == UplinkState::connecting || state_ == UplinkState::waiting;
  return is_apart && is_probing_ && may_probe_ && probe_interval_ > Duration::zero();
}

bool Brain::has_held(Instant now) const {
  if (state_ != UplinkState::online) return false;
  return is_held_ || now - connected_at_ >= retry_.stable_after;
}

}  // namespace edgepost
