#include "uplink/uplink.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace edgepost {
namespace {

// Refused events hold back at most this many behind them; the window may ask for more.
constexpr std::size_t kHeldEventsMax = 1'024;

// A caller who never waits inside step() looks at the connection this often.
constexpr Duration kPollPause = std::chrono::milliseconds(20);

}  // namespace

Uplink::Uplink(UplinkOptions options, std::unique_ptr<Transport> transport,
               std::vector<Consumer> consumers, const Platform& platform)
    : options_(std::move(options)),
      transport_(std::move(transport)),
      platform_(platform),
      brain_(options_, *platform_.random) {
  for (Consumer& consumer : consumers) {
    drains_.push_back({.consumer = std::move(consumer),
                       .lane = Lane(std::max(kHeldEventsMax, options_.max_in_flight))});
  }
  current_.name = options_.name;
  current_.address = transport_->address();
  published_ = current_;
}

Instant Uplink::step(Instant now, Duration wait) {
  take_requests(now);
  run_link(now);
  send(now);
  publish_status();
  if (brain_.state() == UplinkState::stopped) return Instant::max();
  const Instant due = wake_up(now);
  has_news_ = false;
  poll(now, std::clamp(due - now, Duration::zero(), wait));
  publish_status();
  if (wait > Duration::zero() || has_news_) return platform_.clock->now();
  const bool has_link =
      brain_.state() != UplinkState::waiting && brain_.state() != UplinkState::blocked;
  return has_link ? std::min(due, now + kPollPause) : due;
}

void Uplink::send(Instant now) {
  const std::size_t room = brain_.room(now);
  std::size_t empty = 0;  // Streams in a row that had nothing to send.
  while (outbound_.size() < room && empty < drains_.size()) {
    const std::size_t lane = std::exchange(turn_, (turn_ + 1) % drains_.size());
    const std::optional<std::uint64_t> slot = take(drains_[lane], now);
    empty = slot ? 0 : empty + 1;
    if (!slot) continue;
    outbound_.push_back({brain_.sent(now, {lane, *slot}), &drains_[lane].lane.event(*slot)});
  }
  if (outbound_.empty()) return;
  const Status status = transport_->send(outbound_);
  if (status.is_ok()) {
    current_.sent += outbound_.size();
  } else {
    transport_->disconnect();
    brain_.disconnected(now, {AnswerClass::link_down, status.message(), {}});
    rewind();
    note_state(now);
  }
  outbound_.clear();
}

std::optional<std::uint64_t> Uplink::take(Drain& drain, Instant now) {
  for (;;) {
    if (const auto slot = drain.lane.take(now)) return slot;
    if (!read(drain, now)) return std::nullopt;
  }
}

// Returns false when the lane got nothing.
bool Uplink::read(Drain& drain, Instant now) {
  if (drain.is_exhausted || now < drain.read_at || !drain.lane.has_room()) return false;
  auto events = drain.consumer.fetch({options_.batch_events, options_.batch_bytes});
  if (!events) {
    drain.read_at = now + brain_.delay(drain.failures++);
    note_problem(drain.problem, events.status().message());
    return false;
  }
  drain.failures = 0;
  drain.problem.clear();
  drain.is_exhausted = events->empty();
  drain.lane.add(std::move(*events));
  return !drain.is_exhausted;
}

void Uplink::on_answer(std::uint64_t token, const Answer& answer) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  if (const auto place = brain_.answered(now, token, answer)) settle(*place, now, answer);
}

Status Uplink::on_received(Event&& /*event*/) {
  return {Code::unsupported, "this uplink takes no events from upstream"};
}

void Uplink::settle(const Place& place, Instant now, const Answer& answer) {
  Drain& drain = drains_[place.lane];
  switch (answer.meaning) {
    case AnswerClass::acknowledged: {
      ++current_.acknowledged;
      const Status status = drain.consumer.acknowledge(drain.lane.acknowledge(place.slot));
      if (!status.is_ok()) note_problem(drain.problem, status.message());
      break;
    }
    case AnswerClass::slow_down:  // The brain keeps the pause.
      drain.lane.retry(place.slot, now);
      break;
    case AnswerClass::configuration:
    case AnswerClass::too_large:
    case AnswerClass::suspect: {
      ++current_.refused;
      const unsigned refusals = drain.lane.count_refusal(place.slot);
      drain.lane.retry(place.slot, now + brain_.delay(refusals));
      note_problem(refusal_, "event refused: " + answer.reason);
      break;
    }
    case AnswerClass::link_down:  // The brain leaves the link, and everything is sent again.
    case AnswerClass::credentials:
      break;
  }
}

bool Uplink::has_exhausted() const {
  return std::any_of(drains_.begin(), drains_.end(),
                     [](const Drain& drain) { return drain.is_exhausted; });
}

Instant Uplink::wake_up(Instant now) const {
  Instant due = brain_.wake_up(now);
  if (brain_.room(now) == 0) return due;
  for (const Drain& drain : drains_) {
    due = std::min(due, drain.lane.retry_at());
    if (drain.failures > 0 && drain.lane.has_room()) due = std::min(due, drain.read_at);
  }
  return due;
}

// All that was not acknowledged is read and sent again, in order, with the same ids.
void Uplink::rewind() {
  for (Drain& drain : drains_) {
    drain.lane.clear();
    drain.consumer.rewind();
    drain.is_exhausted = false;
  }
}

UplinkStatus Uplink::status() const {
  UplinkStatus status;
  {
    const std::lock_guard lock(mutex_);
    status = published_;
  }
  for (const Drain& drain : drains_)
    status.lag += drain.consumer.status().lag;
  return status;
}

void Uplink::publish_status() {
  current_.in_flight = brain_.in_flight();
  current_.connects = brain_.connects();
  const std::lock_guard lock(mutex_);
  published_ = current_;
}

void Uplink::note_problem(std::string& known, std::string_view problem) {
  if (known == problem) return;
  known = problem;
  current_.last_error = problem;
  log(LogLevel::warning, problem);
}

void Uplink::log(LogLevel level, std::string_view line) {
  platform_.logger->write(level, "uplink", options_.name + ": " + std::string(line));
}

}  // namespace edgepost
