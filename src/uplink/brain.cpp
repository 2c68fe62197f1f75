#include "uplink/brain.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <span>

#include "base/backoff.hpp"

namespace edgepost {
namespace {

// An upstream that asks for more has made a mistake, or means harm: look again after an hour.
constexpr Duration kRetryAfterMax = std::chrono::hours(1);

std::string seconds(Duration length) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(length).count()) + " s";
}

}  // namespace

void Brain::start(Instant now) {
  if (state_ != UplinkState::stopped) return;
  failures_ = 0;
  due_ = now;
  state_ = UplinkState::waiting;
}

void Brain::stop(Instant deadline) {
  due_ = deadline;
  const bool has_link = state_ == UplinkState::online || state_ == UplinkState::draining;
  state_ = has_link ? UplinkState::draining : UplinkState::stopped;
}

void Brain::retry_now(Instant now) {
  if (state_ != UplinkState::blocked && state_ != UplinkState::waiting) return;
  due_ = now;
  state_ = UplinkState::waiting;
}

void Brain::connected(Instant now, const PeerLimits& limits) {
  if (state_ != UplinkState::connecting) return;
  window_ = std::max<std::size_t>(1, std::min(max_in_flight_, limits.in_flight_max));
  connected_at_ = now;
  paused_until_ = now;
  slow_downs_ = 0;
  ++connects_;
  state_ = UplinkState::online;
}

void Brain::disconnected(Instant now, const Answer& why) {
  link_open_ = false;
  leave(now, why);
}

std::uint64_t Brain::sent(Instant now, const Place& place) {
  EDGEPOST_ASSERT(room(now) > 0);
  flights_.emplace_hint(flights_.end(), ++last_token_, Flight{place, now});
  return last_token_;
}

std::optional<Place> Brain::answered(Instant now, std::uint64_t token, const Answer& answer) {
  const auto flight = flights_.find(token);
  if (flight == flights_.end()) return std::nullopt;
  const Place place = flight->second.place;
  flights_.erase(flight);
  switch (answer.meaning) {
    case AnswerClass::acknowledged:
      if (now >= paused_until_) slow_downs_ = 0;
      break;
    case AnswerClass::slow_down:
      pause(now, answer);
      break;
    case AnswerClass::link_down:
    case AnswerClass::credentials:
      if (state_ == UplinkState::online) leave(now, answer);
      break;
    case AnswerClass::configuration:  // Of this event's topic: others may be welcome.
    case AnswerClass::too_large:
    case AnswerClass::suspect:
    case AnswerClass::conflict:
      break;
  }
  return place;
}

// Leaves the link for the state that `why` asks for. The driver hears of it from advance().
void Brain::leave(Instant now, const Answer& why) {
  if (!wants_link()) return;
  flights_.clear();
  if (state_ == UplinkState::draining) {
    state_ = UplinkState::stopped;
    return;
  }
  last_error_ = why.reason;
  if (why.meaning == AnswerClass::credentials || why.meaning == AnswerClass::configuration) {
    state_ = UplinkState::blocked;
    return;
  }
  // Being accepted proves little: only a connection that held makes the next delay short again.
  const bool stable = state_ == UplinkState::online && now - connected_at_ >= retry_.stable_after;
  if (stable) failures_ = 0;
  const Duration asked = std::min(why.retry_after.value_or(Duration::zero()), kRetryAfterMax);
  due_ = now + std::max(delay(failures_++), asked);
  state_ = UplinkState::waiting;
}

// One pause answers a whole window of events, so only the first of them makes it longer.
void Brain::pause(Instant now, const Answer& answer) {
  if (answer.retry_after) {
    paused_until_ = std::max(paused_until_, now + std::min(*answer.retry_after, kRetryAfterMax));
  } else if (now >= paused_until_) {
    paused_until_ = now + delay(slow_downs_++);
  }
}

LinkAction Brain::advance(Instant now) {
  if (state_ == UplinkState::connecting && now >= due_) {
    leave(now, {AnswerClass::link_down, "not accepted within " + seconds(connect_timeout_), {}});
  } else if (state_ == UplinkState::online && now >= overdue_at()) {
    leave(now, {AnswerClass::link_down, "no answer for " + seconds(answer_timeout_), {}});
  } else if (state_ == UplinkState::draining && (flights_.empty() || now >= due_)) {
    flights_.clear();
    state_ = UplinkState::stopped;
  }
  if (link_open_ && !wants_link()) {
    link_open_ = false;
    return LinkAction::disconnect;
  }
  if (state_ != UplinkState::waiting || now < due_) return LinkAction::none;
  state_ = UplinkState::connecting;
  due_ = now + connect_timeout_;
  link_open_ = true;
  return LinkAction::connect;
}

std::size_t Brain::room(Instant now) const {
  if (state_ != UplinkState::online || now < paused_until_) return 0;
  return window_ - std::min(window_, flights_.size());
}

Instant Brain::wake_up(Instant now) const {
  if (link_open_ && !wants_link()) return now;
  switch (state_) {
    case UplinkState::stopped:
    case UplinkState::blocked:
      return Instant::max();
    case UplinkState::waiting:
    case UplinkState::connecting:
      return due_;
    case UplinkState::draining:
      return flights_.empty() ? now : due_;
    case UplinkState::online:
      return now < paused_until_ ? std::min(paused_until_, overdue_at()) : overdue_at();
  }
  return now;
}

Duration Brain::delay(unsigned failures) {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  random_.fill(RandomUse::jitter, bytes);
  return backoff_delay(retry_, failures, std::bit_cast<std::uint64_t>(bytes));
}

bool Brain::wants_link() const {
  return state_ == UplinkState::connecting || state_ == UplinkState::online ||
         state_ == UplinkState::draining;
}

// Flights are in the order of sending, so the first one has waited longest.
Instant Brain::overdue_at() const {
  return flights_.empty() ? Instant::max() : flights_.begin()->second.sent_at + answer_timeout_;
}

}  // namespace edgepost
