// What others are told: log, link news, audit, status.
#include <algorithm>
#include <chrono>
#include <utility>

#include "uplink/lane.hpp"
#include "uplink/uplink.hpp"

namespace edgepost {
namespace {

// A row of the audit stands for so many answers, or so much time, at most.
constexpr std::size_t kRowEvents = 1'000;
constexpr Duration kRowLength = std::chrono::seconds(1);

std::string in_milliseconds(Duration length) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(length).count()) + " ms";
}

}  // namespace

void Uplink::note_lane(Lane& lane, Instant now) {
  const UplinkState before = std::exchange(lane.state, lane.brain.state());
  if (before != lane.state) {
    has_news_ = true;
    const bool was_online = before == UplinkState::online || before == UplinkState::draining;
    if (was_online != lane.is_online() || before == UplinkState::stopped) lane.since = now;
    note_state(lane, before, now);
  }
  const BreakerState breaker = std::exchange(lane.breaker, lane.brain.breaker().state());
  if (breaker != lane.breaker) {
    log(LogLevel::info, &lane, "breaker " + std::string(to_string(lane.breaker)));
    tell("breaker", lane, lane.brain.last_error());
  }
  // A pause that grows longer while it lasts is still the same one.
  const Instant paused_until = std::exchange(lane.paused_until, lane.brain.paused_until());
  if (lane.is_online() && lane.paused_until > now && paused_until <= now) {
    const std::string line =
        "asked to slow down; pauses " + in_milliseconds(lane.paused_until - now);
    log(LogLevel::warning, &lane, line);
    tell("rate_limit", lane, line);
  }
}

void Uplink::note_state(Lane& lane, UplinkState before, Instant now) {
  const bool is_failure = before == UplinkState::connecting || before == UplinkState::online;
  EndpointStatus& status = current_.endpoints[lane.index];
  switch (lane.state) {
    case UplinkState::stopped:
      return log(LogLevel::info, &lane, "stopped");
    case UplinkState::waiting: {
      if (!is_failure) return;
      current_.last_error = status.last_error = lane.brain.last_error();
      const Duration delay = std::max(lane.brain.due() - now, Duration::zero());
      return log(LogLevel::warning, &lane,
                 status.last_error + "; connects again in " + in_milliseconds(delay));
    }
    case UplinkState::connecting:
      return log(LogLevel::info, &lane, "connects to " + lane.address);
    case UplinkState::online:
      return log(LogLevel::info, &lane, "online at " + lane.address);
    case UplinkState::draining:
      return log(LogLevel::info, &lane,
                 "stops, answers to await: " + std::to_string(lane.brain.in_flight()));
    case UplinkState::blocked: {
      current_.last_error = status.last_error = lane.brain.last_error();
      log(LogLevel::warning, &lane, status.last_error + "; blocked until that is changed");
      const bool is_refused = lane.brain.has_bad_credentials();
      return tell(is_refused ? "credentials" : "configuration", lane, status.last_error);
    }
  }
}

void Uplink::note_health(Instant now) {
  const Health before = current_.health;
  const Lane& lane = shown_lane();
  const unsigned percent = lane.brain.breaker().success_percent();
  // In use are the first endpoint that each stream may go to, or with split all of them.
  const bool is_first = std::all_of(routes_.begin(), routes_.end(), [](const Route& route) {
    return route.selector.is_first_in_use();
  });
  const bool is_online = std::any_of(lanes_.begin(), lanes_.end(),
                                     [](const auto& other) { return other->is_online(); });
  const bool is_paused = lane.brain.paused_until() > now || was_used_up_;
  if (!is_online) {
    current_.health = Health::down;
  } else {
    const bool is_good = is_first && !is_paused && percent == 100;
    current_.health = is_good ? Health::healthy : Health::degraded;
  }
  current_.score = is_online ? score(percent, lane.latency.mean()) : 0;
  if (before == current_.health) return;
  if (before == Health::down) tell("online", lane, {});
  if (current_.health == Health::down) {
    tell("offline", lane, is_wanted_ ? lane.brain.last_error() : "stopped");
  } else if (current_.health == Health::degraded) {
    tell("degraded", lane, current_.last_error);
  } else if (before == Health::degraded) {
    tell("restored", lane, {});
  }
}

void Uplink::note_problem(const Lane* lane, std::string& known, std::string_view problem) {
  if (known == problem) return;
  known = problem;
  current_.last_error = problem;
  log(LogLevel::warning, lane, problem);
}

std::string Uplink::correlation(const Lane& lane, std::uint64_t call) const {
  return options_.name + "-" + std::to_string(lane.connection) + "-" + std::to_string(call);
}

void Uplink::tell(std::string_view what, const Lane& lane, std::string_view reason) {
  if (!hooks_.tell) return;
  const std::string id = correlation(lane, lane.calls);
  hooks_.tell({.what = what,
               .uplink = options_.name,
               .address = lane.address,
               .state = lane.brain.state(),
               .breaker = lane.brain.breaker().state(),
               .reason = reason,
               .correlation = id});
}

void Uplink::audit(Lane& lane, AuditEntry&& entry) {
  const std::uint64_t call = ++lane.calls;
  if (!hooks_.audit) return;
  entry.time = platform_.clock->wall();
  entry.uplink = options_.name;
  entry.address = lane.address;
  entry.correlation = correlation(lane, call);
  hooks_.audit(std::move(entry));
}

// Equal answers share a row, and it ends when nothing is on its way any more.
void Uplink::audit_answer(Lane& lane, const Answer& answer, Instant now) {
  if (lane.sending.meaning != answer.meaning) end_row(lane, now);
  if (lane.sending_events++ == 0) lane.sending = answer;
  const bool is_long = lane.sending_events >= kRowEvents || now - lane.sending_since >= kRowLength;
  if (lane.brain.in_flight() == 0 || is_long) end_row(lane, now);
}

void Uplink::end_row(Lane& lane, Instant now) {
  const Duration took = now - std::exchange(lane.sending_since, now);
  if (lane.sending_events == 0) return;
  const bool is_ok = lane.sending.meaning == AnswerClass::acknowledged;
  audit(lane, {.what = "send",
               .outcome = is_ok ? "ok" : std::string(to_string(lane.sending.meaning)),
               .detail = lane.sending.reason,
               .events = std::exchange(lane.sending_events, 0),
               .took = took});
}

void Uplink::log(LogLevel level, const Lane* lane, std::string_view line) {
  const bool has_call = lane != nullptr && lane->connection > 0;
  const std::string who = has_call ? correlation(*lane, lane->calls) : options_.name;
  platform_.logger->write(level, "uplink", who + ": " + std::string(line));
}

void Uplink::publish_status() {
  const Lane& shown = shown_lane();
  current_.in_flight = in_flight();
  current_.connects = 0;
  for (const auto& lane : lanes_) {
    EndpointStatus& endpoint = current_.endpoints[lane->index];
    const Brain& brain = lane->brain;
    endpoint.state = brain.state();
    endpoint.breaker = brain.breaker().state();
    endpoint.connects = brain.connects();
    endpoint.failures = brain.failures();
    endpoint.trips = brain.breaker().trips();
    endpoint.traffic = lane->traffic;
    current_.connects += brain.connects();
  }
  current_.state = shown.brain.state();
  // Nobody has a connection while there are no bytes to be had, but the uplink goes on.
  if (is_wanted_ && current_.state == UplinkState::stopped) current_.state = UplinkState::waiting;
  if (current_.address != shown.address) current_.address = shown.address;
  const std::lock_guard lock(mutex_);
  published_ = current_;
}

UplinkStatus Uplink::status() const {
  UplinkStatus status;
  {
    const std::lock_guard lock(mutex_);
    status = published_;
  }
  for (const Drain& drain : drains_)
    status.lag += drain.source.consumer.status().lag;
  return status;
}

}  // namespace edgepost
