// Connections: which lanes have one, and what happens to them.
#include <algorithm>
#include <chrono>
#include <utility>

#include "uplink/lane.hpp"
#include "uplink/uplink.hpp"

namespace edgepost {
namespace {

// One thread looks at all lanes: while it waits in one, the others are looked at this often.
constexpr Duration kOthersPause = std::chrono::milliseconds(20);
// Without anything that depends on them, the counters of a transport are read this often.
constexpr Duration kCountInterval = std::chrono::milliseconds(500);

}  // namespace

void Uplink::start() {
  stop_wanted_ = kNoStop;
  start_wanted_ = true;
}

void Uplink::take_requests(Instant now) {
  const bool is_started = start_wanted_.exchange(false);
  if (is_started) is_wanted_ = true;
  if (has_events_.exchange(false) || is_started) look_at_priorities();
  const bool is_retry = retry_wanted_.exchange(false);
  const Duration::rep deadline = stop_wanted_.exchange(kNoStop);
  if (deadline != kNoStop) is_wanted_ = false;
  for (const auto& lane : lanes_) {
    if (is_retry) lane->brain.retry_now(now);
    if (deadline != kNoStop) lane->brain.stop(Instant(Duration(deadline)));
    note_lane(*lane, now);
  }
  if (deadline != kNoStop && budget_ && hooks_.set_note) {
    if (const auto text = budget_->to_save_at_end()) keep_budget(*text);
  }
}

void Uplink::count_traffic(Instant now) {
  if (!budget_) make_budget();
  const bool is_metered = budget_->is_limited() || pacer_.is_limited();
  const Duration interval = std::min(kCountInterval, options_.breaker.trip_after / 10);
  std::uint64_t bytes = 0;
  for (const auto& lane : lanes_) {
    const bool is_idle = lane->brain.in_flight() == 0;
    if (!is_metered && !is_idle && now < lane->counted_at + interval) continue;
    const Traffic traffic = lane->transport->traffic();
    const std::uint64_t sent = traffic.sent - lane->traffic.sent;
    pacer_.counted(sent);
    bytes += sent + traffic.received - lane->traffic.received;
    lane->traffic = traffic;
    // More often it would only cost: the interval is what the brain looks at it by.
    if (is_idle || now >= lane->counted_at + interval) {
      lane->brain.progressed(now, traffic);
      lane->counted_at = now;
    }
  }
  if (in_flight() == 0) pacer_.idle();
  if (budget_->is_limited()) spend(bytes);
}

void Uplink::make_budget() {
  std::string saved;
  if (hooks_.note && (options_.pacing.bytes_per_day > 0 || options_.pacing.bytes_per_month > 0)) {
    auto found = hooks_.note("budget/" + options_.name);
    if (!found) log(LogLevel::warning, nullptr, "budget: " + found.status().message());
    if (found && *found) saved = std::move(**found);
  }
  budget_.emplace(options_.pacing, saved);
}

void Uplink::spend(std::uint64_t bytes) {
  const Clock& clock = *platform_.clock;
  budget_->advance(clock.since_boot(),
                   clock.wall_is_trusted() ? std::optional(clock.wall()) : std::nullopt);
  budget_->spend(bytes);
  current_.day_bytes = budget_->day_used();
  current_.month_bytes = budget_->month_used();
  if (const auto text = budget_->to_save()) keep_budget(*text);
  const bool was_used_up = std::exchange(was_used_up_, budget_->is_used_up());
  if (was_used_up == was_used_up_) return;
  const std::string line = was_used_up_ ? "the bytes of this day or month are used up"
                                        : "a new day or month has begun: it has bytes again";
  log(LogLevel::warning, nullptr, line);
  if (was_used_up_) current_.last_error = line;
  tell("budget", shown_lane(), line);
}

void Uplink::keep_budget(const std::string& text) {
  if (!hooks_.set_note) return;
  const Status status = hooks_.set_note("budget/" + options_.name, text);
  if (!status.is_ok()) log(LogLevel::warning, nullptr, "budget: " + status.message());
}

// Lets the selectors look, and the lanes begin and end as they say.
void Uplink::choose(Instant now) {
  for (std::size_t r = 0; r < routes_.size(); ++r) {
    Route& route = routes_[r];
    views_.clear();
    for (const auto& lane : lanes_) {
      const bool is_refused = lane->brain.state() == UplinkState::blocked ||
                              lane->brain.breaker().state() == BreakerState::open;
      views_.push_back(
          {lane->is_busy(), lane->is_online(), is_refused, lane->since, lane->in_flight[r]});
    }
    route.selector.advance(now, views_);
    const std::optional<std::size_t> active = route.selector.active();
    if (!active || active == route.last_lane) continue;
    if (route.last_lane) {
      suspects_.clear_upstream();
      tell("failover", *lanes_[*active], "from " + lanes_[*route.last_lane]->address);
      log(LogLevel::warning, lanes_[*active].get(), "goes on at " + lanes_[*active]->address);
    }
    route.last_lane = active;
  }
  for (const auto& lane : lanes_) {
    const bool is_wanted = is_wanted_ && !was_used_up_ &&
                           std::any_of(routes_.begin(), routes_.end(), [&](const Route& route) {
                             return route.selector.wants(lane->index);
                           });
    const UplinkState state = lane->brain.state();
    if (is_wanted && state == UplinkState::stopped) {
      lane->brain.start(now);
      lane->since = now;
    } else if (!is_wanted && lane->is_busy() && state != UplinkState::draining) {
      lane->brain.stop(now + options_.breaker.trip_after);
    }
    note_lane(*lane, now);
  }
  note_health(now);
}

// One attempt to connect at most, however short the back-off: the caller has other work as well.
void Uplink::run_link(Lane& lane, Instant now) {
  const bool may_probe = std::none_of(lanes_.begin(), lanes_.end(),
                                      [](const auto& other) { return other->is_online(); });
  for (;;) {
    const LinkAction action = lane.brain.advance(now, may_probe);
    if (action == LinkAction::disconnect) lane.transport->disconnect();
    if (action == LinkAction::probe) lane.transport->probe();
    release_void(lane, now);
    if (action == LinkAction::connect) {
      lane.connection = ++connection_;
      lane.calls = 0;
      lane.attempt_at = now;
    }
    note_lane(lane, now);
    if (action == LinkAction::connect) return connect(lane, now);
    if (action == LinkAction::none) return;
  }
}

void Uplink::connect(Lane& lane, Instant now) {
  const Status status = lane.transport->connect();
  if (status.is_ok()) return;
  const bool may_pass = status.code() == Code::unavailable;
  Answer why{may_pass ? AnswerClass::link_down : AnswerClass::configuration, status.message(), {}};
  why.is_unreachable = may_pass;
  lane.brain.disconnected(now, why);
  end_connection(lane, why, now);
}

void Uplink::on_connected(Lane& lane, const PeerLimits& limits) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  lane.brain.connected(now, limits);
  for (Linger& linger : lane.lingers)
    linger.end();
  audit(lane, {.what = "connect", .outcome = "ok", .took = now - lane.attempt_at});
  note_lane(lane, now);
}

void Uplink::on_disconnected(Lane& lane, const Answer& why) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  blame(lane, why, now);
  lane.brain.disconnected(now, why);
  release_void(lane, now);
  end_connection(lane, why, now);
}

// Tells what came to an end, and why.
void Uplink::end_connection(Lane& lane, const Answer& why, Instant now) {
  if (why.is_tls) ++current_.tls_failures;
  const bool was_attempt = lane.state == UplinkState::connecting;
  audit(lane, {.what = was_attempt ? "connect" : "disconnect",
               .outcome = std::string(to_string(why.meaning)),
               .detail = why.reason,
               .took = now - lane.attempt_at});
  note_lane(lane, now);
}

void Uplink::on_probed(Lane& lane, bool is_reachable) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  lane.brain.probed(now, is_reachable);
  if (lane.was_reachable == is_reachable) return;
  lane.was_reachable = is_reachable;
  audit(lane, {.what = "probe", .outcome = is_reachable ? "ok" : "link_down"});
}

void Uplink::on_call(Lane& lane, const Call& call) {
  if (call.what == "token" && call.is_ok) ++current_.token_refreshes;
  audit(lane, {.what = std::string(call.what),
               .outcome = call.is_ok ? "ok" : "link_down",
               .detail = call.detail,
               .took = call.took});
}

void Uplink::poll(Instant now, Duration wait) {
  Lane& main = shown_lane();
  const bool is_idle = std::any_of(lanes_.begin(), lanes_.end(), [this, now](const auto& lane) {
    const Allowance room = allowance(*lane, now);
    return room.events > 0 && room.bytes > 0;
  });
  polled_ = main.index;
  is_idle_ = is_idle;
  // Either wake() sees that we are idle, or we see its events.
  if (is_idle && has_events_) wait = Duration::zero();
  for (const auto& lane : lanes_) {
    if (lane.get() == &main || !lane->is_busy()) continue;
    lane->transport->poll(Duration::zero(), *lane);
    if (lane->brain.state() != UplinkState::waiting) wait = std::min(wait, kOthersPause);
  }
  if (has_news_) wait = Duration::zero();
  main.transport->poll(wait, main);
  is_idle_ = false;
}

// The one in use, or else the one that is nearest to being used.
Uplink::Lane& Uplink::shown_lane() const {
  for (const Route& route : routes_) {
    if (const auto active = route.selector.active()) return *lanes_[*active];
  }
  const auto rank = [](const Lane& lane) {
    switch (lane.brain.state()) {
      case UplinkState::online:
        return 5;
      case UplinkState::draining:
        return 4;
      case UplinkState::connecting:
        return 3;
      case UplinkState::waiting:
        return 2;
      case UplinkState::blocked:
        return 1;
      case UplinkState::stopped:
        break;
    }
    return 0;
  };
  const auto best =
      std::max_element(lanes_.begin(), lanes_.end(),
                       [&](const auto& a, const auto& b) { return rank(*a) < rank(*b); });
  return **best;
}

void Uplink::request_stop(Instant deadline) {
  stop_wanted_ = deadline.time_since_epoch().count();
  for (const auto& lane : lanes_)
    lane->transport->wake();
}

bool Uplink::is_stopped() const {
  const std::lock_guard lock(mutex_);
  return published_.state == UplinkState::stopped;
}

void Uplink::wake() {
  if (has_events_ || has_events_.exchange(true)) return;
  if (is_idle_) lanes_[polled_]->transport->wake();
}

void Uplink::retry_now() {
  retry_wanted_ = true;
  for (const auto& lane : lanes_)
    lane->transport->wake();
}

}  // namespace edgepost
