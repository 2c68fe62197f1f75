// The half of the brain that looks after events on their way; brain.cpp has the link.
#include <algorithm>
#include <chrono>
#include <string>

#include "base/backoff.hpp"
#include "uplink/brain.hpp"

namespace edgepost {
namespace {

// One that is answered no more while later ones are was lost on the way.
constexpr int kOvertakenTimes = 12;

}  // namespace

std::uint64_t Brain::sent(Instant now, const Place& place) {
  EDGEPOST_ASSERT(room(now) > 0 || is_batched_);
  slots_.push_back({{place, now}});
  ++in_flight_;
  return first_token_ + slots_.size() - 1;
}

std::optional<Flight> Brain::answered(Instant now, std::uint64_t token, const Answer& answer) {
  if (token < first_token_ || token - first_token_ >= slots_.size()) return std::nullopt;
  Slot& slot = slots_[static_cast<std::size_t>(token - first_token_)];
  if (slot.is_answered) return std::nullopt;
  const Flight flight = slot.flight;
  slot.is_answered = true;
  --in_flight_;
  moved_at_ = now;
  answered_to_ = std::max(answered_to_, token);
  window_.answered(token, now - flight.sent_at, first_token_ + slots_.size() - 1);
  for (; !slots_.empty() && slots_.front().is_answered; ++first_token_)
    slots_.pop_front();
  const bool is_acknowledged = answer.meaning == AnswerClass::acknowledged;
  const bool is_enough = breaker_.answered(now, is_acknowledged);
  switch (answer.meaning) {
    case AnswerClass::acknowledged:
      if (now >= paused_until_) pauses_ = 0;
      refused_credentials_ = 0;
      break;
    case AnswerClass::slow_down:
      pause(now, answer);
      break;
    case AnswerClass::link_down:
    case AnswerClass::credentials:
      if (state_ == UplinkState::online) leave(now, answer);
      break;
    case AnswerClass::configuration:  // Of a message, it is of its topic: others may be welcome.
      if (is_batched_ && state_ == UplinkState::online) leave(now, answer);
      break;
    case AnswerClass::too_large:
    case AnswerClass::suspect:
    case AnswerClass::conflict:
      break;
  }
  if (!is_enough && state_ == UplinkState::online) {
    leave(now, {AnswerClass::link_down,
                "of the last " + std::to_string(EndpointBreaker::kAnswers) +
                    " answers too few were acknowledgements; last: " + answer.reason,
                {}});
  }
  return flight;
}

void Brain::progressed(Instant now, const Traffic& traffic) {
  const Duration interval = look_interval();
  // Bytes that went on did so after the look before this one. When that was long ago, we were away,
  // and answers may lie there unread: they get the time until the next look.
  if (is_moving_ && traffic.progress != progress_) {
    moved_at_ = std::max({moved_at_, looked_at_, now - interval});
  }
  if (now - looked_at_ > 2 * interval) {
    moved_at_ = std::max(moved_at_, now + interval - policy_.trip_after);
  }
  progress_ = traffic.progress;
  is_moving_ = traffic.progress < traffic.sent;
  looked_at_ = now;
}

std::vector<Place> Brain::unanswered() const {
  std::vector<Place> places;
  for (const Slot& slot : slots_) {
    if (!slot.is_answered) places.push_back(slot.flight.place);
  }
  return places;
}

void Brain::void_flights() {
  const std::vector<Place> places = unanswered();
  void_.insert(void_.end(), places.begin(), places.end());
  first_token_ += slots_.size();
  slots_.clear();
  in_flight_ = 0;
}

// One pause answers a whole window of events, so only the first of them makes it longer.
void Brain::pause(Instant now, const Answer& answer) {
  if (answer.retry_after) {
    paused_until_ = std::max(paused_until_, now + std::min(*answer.retry_after, kRetryAfterMax));
  } else if (now >= paused_until_) {
    paused_until_ = now + backoff_delay(retry_, pauses_++, random_);
  }
}

void Brain::hold_back(Instant now) {
  const Duration delay = backoff_delay(retry_, pauses_++, random_);
  paused_until_ = std::max(paused_until_, now + std::min(delay, policy_.recovery_timeout));
}

std::size_t Brain::room(Instant now) const {
  if (state_ != UplinkState::online || now < paused_until_) return 0;
  if (is_batched_ && in_flight_ > 0) return 0;
  const std::size_t window = is_batched_ ? window_.max() : window_.size();
  const std::size_t allowed = std::min(window, breaker_.calls_max());
  return allowed - std::min(allowed, in_flight_);
}

// Slots are in the order of sending, so the first one has waited longest.
Instant Brain::overdue_at() const {
  if (in_flight_ == 0) return Instant::max();
  const Instant oldest = slots_.front().flight.sent_at;
  const Instant silent = std::max(oldest, moved_at_) + policy_.trip_after;
  const bool is_overtaken = answered_to_ > first_token_;
  return is_overtaken ? std::min(silent, oldest + kOvertakenTimes * policy_.trip_after) : silent;
}

}  // namespace edgepost
