// Events on their way out. uplink_answers.cpp has what comes back, uplink_link.cpp the connections,
// uplink_report.cpp what others are told.
#include "uplink/uplink.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/backoff.hpp"
#include "base/event_weight.hpp"
#include "uplink/lane.hpp"

namespace edgepost {
namespace {

// A caller who never waits inside step() looks at the connection this often.
constexpr Duration kPollPause = std::chrono::milliseconds(20);
constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

// The endpoints that have `tag`; all, for none.
std::vector<std::size_t> members(const std::vector<Endpoint>& endpoints, std::string_view tag) {
  std::vector<std::size_t> lanes;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::vector<std::string>& tags = endpoints[i].tags;
    if (tag.empty() || std::find(tags.begin(), tags.end(), tag) != tags.end()) lanes.push_back(i);
  }
  return lanes;
}

}  // namespace

ConsumerOptions consumer_options(const UplinkOptions& options) {
  ConsumerOptions consumer;
  consumer.name = options.name;
  consumer.order = options.order;
  consumer.max_in_flight = options.max_in_flight;
  // Events of one key could overtake each other on different endpoints.
  consumer.max_in_flight_per_key =
      options.failover.is_split ? std::size_t{1} : options.max_in_flight_per_key;
  consumer.live_percent = options.live_percent;
  consumer.max_deliver = options.max_deliver;
  consumer.retry = options.retry;
  return consumer;
}

Uplink::Uplink(UplinkOptions options, std::vector<Endpoint> endpoints, std::vector<Source> sources,
               const Platform& platform, UplinkHooks hooks)
    : options_(std::move(options)),
      platform_(platform),
      hooks_(std::move(hooks)),
      pacer_(options_.pacing) {
  std::vector<std::string> tags;  // of routes_
  const auto route_of = [&](const std::string& tag) {
    const auto found = std::find(tags.begin(), tags.end(), tag);
    if (found != tags.end()) return static_cast<std::size_t>(found - tags.begin());
    tags.push_back(tag);
    routes_.push_back(
        {Selector(options_.failover, options_.breaker.trip_after, members(endpoints, tag)), {}});
    return routes_.size() - 1;
  };
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const auto& residency = options_.failover.residency;
    const auto tag =
        i < options_.streams.size() ? residency.find(options_.streams[i]) : residency.end();
    const std::size_t route = route_of(tag == residency.end() ? std::string() : tag->second);
    routes_[route].drains.push_back(i);
    drains_.push_back({.source = std::move(sources[i]), .route = route});
  }
  // What comes in may come from anywhere.
  if (routes_.empty() || !options_.inbox.empty()) route_of({});
  for (Endpoint& endpoint : endpoints) {
    lanes_.push_back(std::make_unique<Lane>(*this, lanes_.size(), std::move(endpoint.transport)));
    lanes_.back()->in_flight.resize(routes_.size());
    lanes_.back()->lingers.resize(routes_.size(), Linger(options_.linger));
    current_.endpoints.push_back({.address = lanes_.back()->address});
  }
  current_.name = options_.name;
  current_.address = lanes_.front()->address;
  published_ = current_;
}

Uplink::~Uplink() = default;

Instant Uplink::step(Instant now, Duration wait) {
  has_news_ = false;
  take_requests(now);
  count_traffic(now);
  choose(now);
  for (const auto& lane : lanes_)
    run_link(*lane, now);
  send(now);
  publish_status();
  if (current_.state == UplinkState::stopped) return Instant::max();
  const Instant due = has_news_ ? now : wake_up(now);
  poll(now, std::clamp(due - now, Duration::zero(), wait));
  publish_status();
  if (wait > Duration::zero() || has_news_) return platform_.clock->now();
  const bool has_link = std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
    return lane->is_busy() && lane->brain.state() != UplinkState::waiting;
  });
  return has_link ? std::min(due, now + kPollPause) : due;
}

void Uplink::send(Instant now) {
  if (!is_wanted_) return;
  for (std::size_t r = 0; r < routes_.size(); ++r) {
    // With split, who comes first takes the most: each in turn.
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = *lanes_[(i + routes_[r].turn) % lanes_.size()];
      if (routes_[r].selector.feeds(lane.index)) send_through(lane, r, now);
    }
  }
}

void Uplink::send_through(Lane& lane, std::size_t number, Instant now) {
  Allowance room = allowance(lane, now);
  if (room.events == 0 || room.bytes == 0 || !may_go(lane, number, room.events, now)) return;
  Route& route = routes_[number];
  for (auto first = route.drains.begin(); first != route.drains.end();) {
    const int priority = drains_[*first].priority;
    const auto last = std::find_if(first, route.drains.end(), [this, priority](std::size_t index) {
      return drains_[index].priority != priority;
    });
    take_turns(route, {first, last}, room, now);
    first = last;
  }
  review(lane, now);
  if (!events_.empty()) hand_over(lane, number, now);
  outbound_.clear();
  places_.clear();
  events_.clear();
}

// What the upstream, the policy and the suspicion against it leave.
Uplink::Allowance Uplink::allowance(const Lane& lane, Instant now) {
  Allowance room{lane.brain.room(now), kNoLimit};
  if (room.events == 0 || was_used_up_) return {};
  if (hangups_.expects_culprit() && now < culprit_due_) return {};
  if (lane.brain.is_batched()) {
    room.events = std::min(room.events, lane.batch.size());
    room.bytes = options_.batch_bytes;
  }
  if (suspects_.is_upstream_suspected() || hangups_.is_one_at_a_time()) {
    room.events = std::min<std::size_t>(room.events, in_flight() > 0 ? 0 : 1);
  }
  room.events = std::min(room.events, pacer_.events(now));
  room.bytes = std::min(room.bytes, pacer_.bytes(now));
  if (budget_) {
    room.bytes = static_cast<std::size_t>(std::min<std::uint64_t>(room.bytes, budget_->left()));
  }
  return room;
}

// A request that is not full waits a little for more events.
bool Uplink::may_go(Lane& lane, std::size_t route, std::size_t wanted, Instant now) {
  if (!lane.brain.is_batched()) return true;
  Linger& linger = lane.lingers[route];
  std::uint64_t lag = 0;
  bool has_any = false;
  for (const std::size_t index : routes_[route].drains) {
    const Consumer& consumer = drains_[index].source.consumer;
    has_any = has_any || consumer.next_due() <= now;
    lag += consumer.status().lag;
  }
  if (!has_any) {
    linger.end();
    return false;
  }
  if (linger.due(now, lag >= wanted) > now) return false;
  linger.end();
  return true;
}

void Uplink::take_turns(Route& route, std::span<const std::size_t> drains, Allowance& room,
                        Instant now) {
  std::size_t empty = 0;  // Streams in a row that had nothing to send.
  while (room.events > 0 && room.bytes > 0 && empty < drains.size()) {
    const std::size_t share = room.events / (drains.size() - empty);
    const std::size_t taken = take(drains[route.turn++ % drains.size()], room, share, now);
    empty = taken > 0 ? 0 : empty + 1;
  }
}

// Returns how many events it has got.
std::size_t Uplink::take(std::size_t index, Allowance& room, std::size_t count, Instant now) {
  Drain& drain = drains_[index];
  if (now < drain.read_at || drain.source.consumer.next_due() > now) return 0;
  auto fetched =
      drain.source.consumer.fetch({std::clamp<std::size_t>(count, 1, options_.batch_events),
                                   std::min(options_.batch_bytes, room.bytes)});
  if (!fetched) {
    drain.read_at = now + backoff_delay(options_.retry, drain.failures++, *platform_.random);
    note_problem(nullptr, drain.problem, fetched.status().message());
    return 0;
  }
  drain.failures = 0;
  drain.problem.clear();
  room.events -= std::min(room.events, fetched->size());
  for (Event& event : *fetched) {
    if (room.bytes != kNoLimit) room.bytes -= std::min(room.bytes, weight(event));
    places_.push_back({index, event.sequence});
    events_.push_back(std::move(event));
  }
  return fetched->size();
}

// Takes out what does not go now: what has to go alone, and all behind it, since they may have to
// wait for it. In a request, an event that was refused before goes alone.
void Uplink::review(const Lane& lane, Instant now) {
  if (options_.before_send) ask_hook();
  std::size_t kept = 0;
  for (; kept < places_.size(); ++kept) {
    const Place& place = places_[kept];
    const bool is_culprit = hangups_.guilt(place) != nullptr;
    if (!is_culprit && !(lane.brain.is_batched() && suspects_.contains(place))) continue;
    if (kept == 0 && (!is_culprit || may_culprit_go(place, now))) kept = 1;
    break;
  }
  for (std::size_t i = kept; i < places_.size(); ++i)
    release(places_[i], now);
  places_.resize(kept);
  events_.resize(kept);
}

// An event at which the link dies goes alone, and after others, if there are any.
bool Uplink::may_culprit_go(const Place& place, Instant now) {
  if (in_flight() == 0 && hangups_.is_ready(place)) return true;
  if (hangups_.is_ready(place)) hangups_.clear_the_way();
  return places_.size() == 1 && !has_others(now);
}

// What a hook holds back holds back those behind it, as the order of the uplink says.
void Uplink::ask_hook() {
  std::size_t kept = 0;
  std::vector<std::pair<std::size_t, std::string>> held;  // streams and keys
  for (std::size_t i = 0; i < events_.size(); ++i) {
    Event& event = events_[i];
    const Place place = places_[i];
    Drain& drain = drains_[place.stream];
    std::pair line(place.stream, options_.order == Order::key ? event.key : std::string());
    const bool has_line = options_.order == Order::stream || !line.second.empty();
    if (has_line && std::find(held.begin(), held.end(), line) != held.end()) {
      note_status(drain, drain.source.consumer.release(place.sequence));
      continue;
    }
    const SendDecision decision = options_.before_send(event);
    if (decision.kind == SendDecision::Kind::send) {
      std::swap(events_[kept], event);
      places_[kept++] = place;
    } else if (decision.kind == SendDecision::Kind::hold) {
      const Duration length = std::max<Duration>(decision.hold_for, std::chrono::milliseconds(1));
      note_status(drain, drain.source.consumer.release(place.sequence, length));
      if (has_line) held.push_back(std::move(line));
    } else {
      const std::string reason = decision.reason.empty() ? "dropped by the hook" : decision.reason;
      note_status(drain, drain.source.consumer.reject(place.sequence, "hook", reason));
    }
  }
  events_.resize(kept);
  places_.resize(kept);
}

void Uplink::hand_over(Lane& lane, std::size_t route, Instant now) {
  const bool is_metered =
      options_.pacing.bytes_per_second > 0 || options_.pacing.events_per_second > 0;
  for (std::size_t i = 0; i < events_.size(); ++i) {
    outbound_.push_back({lane.brain.sent(now, places_[i]), &events_[i]});
    if (is_metered) pacer_.sent(weight(events_[i]));
  }
  if (lane.brain.in_flight() == events_.size()) lane.sending_since = now;
  lane.in_flight[route] += events_.size();
  lane.request_events = events_.size();
  lane.is_request_refused = false;
  const Status status = lane.transport->send(outbound_);
  if (status.is_ok()) {
    current_.sent += outbound_.size();
    return;
  }
  lane.transport->disconnect();
  on_disconnected(lane, {AnswerClass::link_down, status.message(), {}});
}

Instant Uplink::wake_up(Instant now) {
  Instant due = Instant::max();
  for (const auto& lane : lanes_)
    due = std::min(due, lane->brain.wake_up(now));
  for (const Route& route : routes_)
    due = std::min(due, route.selector.wake_up());
  if (was_used_up_ && is_wanted_) due = std::min(due, now + budget_->renews_in());
  if (!is_wanted_) return due;
  if (culprit_due_ > now) due = std::min(due, culprit_due_);
  for (const auto& lane : lanes_) {
    const Allowance room = allowance(*lane, now);
    if (room.events == 0 || room.bytes == 0) {
      const bool is_paced = lane->brain.room(now) > 0 && pacer_.due() > now;
      if (is_paced) due = std::min(due, pacer_.due());
      continue;
    }
    for (const Drain& drain : drains_) {
      if (!routes_[drain.route].selector.feeds(lane->index)) continue;
      const Instant ends_at = lane->lingers[drain.route].ends_at();
      const Instant linger = ends_at == Instant::max() ? now : ends_at;
      due = std::min(due, std::max({linger, drain.read_at, drain.source.consumer.next_due()}));
    }
  }
  return due;
}

std::size_t Uplink::in_flight() const {
  std::size_t sum = 0;
  for (const auto& lane : lanes_)
    sum += lane->brain.in_flight();
  return sum;
}

// Stable, so that equals keep the order in which they were named.
void Uplink::look_at_priorities() {
  for (Drain& drain : drains_) {
    if (drain.source.priority) drain.priority = drain.source.priority();
  }
  for (Route& route : routes_) {
    std::stable_sort(
        route.drains.begin(), route.drains.end(),
        [this](std::size_t a, std::size_t b) { return drains_[a].priority > drains_[b].priority; });
  }
}

}  // namespace edgepost
