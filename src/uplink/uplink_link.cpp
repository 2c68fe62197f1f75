// The half of the driver that looks after the link; uplink.cpp has the half that moves events.
#include <algorithm>
#include <chrono>
#include <utility>

#include "uplink/uplink.hpp"

namespace edgepost {

void Uplink::start() {
  stop_wanted_ = kNoStop;
  start_wanted_ = true;
}

void Uplink::take_requests(Instant now) {
  const bool is_started = start_wanted_.exchange(false);
  if (is_started) brain_.start(now);
  if (has_events_.exchange(false) || is_started) look_at_priorities();
  if (retry_wanted_.exchange(false)) brain_.retry_now(now);
  const Duration::rep deadline = stop_wanted_.exchange(kNoStop);
  if (deadline != kNoStop) brain_.stop(Instant(Duration(deadline)));
  note_state(now);
}

// One attempt to connect at most, however short the back-off: the caller has other work as well.
void Uplink::run_link(Instant now) {
  for (;;) {
    const LinkAction action = brain_.advance(now);
    if (action == LinkAction::none) return;
    if (action == LinkAction::disconnect) {
      transport_->disconnect();
      rewind();
    }
    note_state(now);
    if (action == LinkAction::connect) return connect(now);
  }
}

void Uplink::connect(Instant now) {
  const Status status = transport_->connect();
  if (status.is_ok()) return;
  const bool may_pass = status.code() == Code::unavailable;
  brain_.disconnected(
      now, {may_pass ? AnswerClass::link_down : AnswerClass::configuration, status.message(), {}});
  note_state(now);
}

void Uplink::poll(Instant now, Duration wait) {
  const bool is_idle = brain_.room(now) > 0;
  is_idle_ = is_idle;
  // Either wake() sees that we are idle, or we see its events.
  if (is_idle && has_events_) wait = Duration::zero();
  transport_->poll(wait, *this);
  is_idle_ = false;
}

void Uplink::on_connected(const PeerLimits& limits) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  brain_.connected(now, limits);
  note_state(now);
}

void Uplink::on_disconnected(const Answer& why) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  brain_.disconnected(now, why);
  rewind();
  note_state(now);
}

void Uplink::request_stop(Instant deadline) {
  stop_wanted_ = deadline.time_since_epoch().count();
  transport_->wake();
}

bool Uplink::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return published_.state == UplinkState::stopped;
}

void Uplink::wake() {
  if (has_events_ || has_events_.exchange(true)) return;
  if (is_idle_) transport_->wake();
}

void Uplink::retry_now() {
  retry_wanted_ = true;
  transport_->wake();
}

void Uplink::note_state(Instant now) {
  const UplinkState before = std::exchange(current_.state, brain_.state());
  if (before == current_.state) return;
  const bool is_failure = before == UplinkState::connecting || before == UplinkState::online;
  switch (current_.state) {
    case UplinkState::stopped:
      return log(LogLevel::info, "stopped");
    case UplinkState::waiting: {
      if (!is_failure) return;
      current_.last_error = brain_.last_error();
      const auto delay = std::chrono::ceil<std::chrono::milliseconds>(brain_.wake_up(now) - now);
      return log(LogLevel::warning, current_.last_error + "; connects again in " +
                                        std::to_string(delay.count()) + " ms");
    }
    case UplinkState::connecting:
      return log(LogLevel::info, "connects to " + current_.address);
    case UplinkState::online:
      return log(LogLevel::info, "online at " + current_.address);
    case UplinkState::draining:
      return log(LogLevel::info, "stops, answers to await: " + std::to_string(brain_.in_flight()));
    case UplinkState::blocked:
      current_.last_error = brain_.last_error();
      return log(LogLevel::warning, current_.last_error + "; blocked until that is changed");
  }
}

}  // namespace edgepost
