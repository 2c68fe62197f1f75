#include "uplink/uplink.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace edgepost {
namespace {

// A caller who never waits inside step() looks at the connection this often.
constexpr Duration kPollPause = std::chrono::milliseconds(20);

}  // namespace

ConsumerOptions consumer_options(const UplinkOptions& options) {
  ConsumerOptions consumer;
  consumer.name = options.name;
  consumer.order = options.order;
  consumer.max_in_flight = options.max_in_flight;
  consumer.max_in_flight_per_key = options.max_in_flight_per_key;
  consumer.max_deliver = options.max_deliver;
  consumer.retry = options.retry;
  return consumer;
}

Uplink::Uplink(UplinkOptions options, std::vector<Endpoint> endpoints, std::vector<Source> sources,
               const Platform& platform, UplinkHooks hooks)
    : options_(std::move(options)),
      transport_(std::move(endpoints.front().transport)),
      platform_(platform),
      hooks_(std::move(hooks)),
      brain_(options_, *platform_.random) {
  for (Source& source : sources) {
    order_.push_back(drains_.size());
    drains_.push_back({.source = std::move(source)});
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
  for (auto first = order_.begin(); first != order_.end() && events_.size() < room;) {
    const int priority = drains_[*first].priority;
    const auto last = std::find_if(first, order_.end(), [this, priority](std::size_t index) {
      return drains_[index].priority != priority;
    });
    take_turns({first, last}, room, now);
    first = last;
  }
  if (events_.empty()) return;
  for (std::size_t i = 0; i < events_.size(); ++i)
    outbound_.push_back({brain_.sent(now, places_[i]), &events_[i]});
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
  places_.clear();
  events_.clear();
}

void Uplink::take_turns(std::span<const std::size_t> drains, std::size_t room, Instant now) {
  std::size_t empty = 0;  // Streams in a row that had nothing to send.
  while (events_.size() < room && empty < drains.size()) {
    const std::size_t share = (room - events_.size()) / (drains.size() - empty);
    const std::size_t taken = take(drains[turn_++ % drains.size()], share, now);
    empty = taken > 0 ? 0 : empty + 1;
  }
}

// Returns how many events it has got.
std::size_t Uplink::take(std::size_t index, std::size_t count, Instant now) {
  Drain& drain = drains_[index];
  if (now < drain.read_at || drain.source.consumer.next_due() > now) return 0;
  auto fetched = drain.source.consumer.fetch(
      {std::clamp<std::size_t>(count, 1, options_.batch_events), options_.batch_bytes});
  if (!fetched) {
    drain.read_at = now + brain_.delay(drain.failures++);
    note_problem(drain.problem, fetched.status().message());
    return 0;
  }
  drain.failures = 0;
  drain.problem.clear();
  for (Event& event : *fetched) {
    places_.push_back({index, event.sequence});
    events_.push_back(std::move(event));
  }
  return fetched->size();
}

void Uplink::on_answer(std::uint64_t token, const Answer& answer) {
  const Instant now = platform_.clock->now();
  has_news_ = true;
  if (const auto place = brain_.answered(now, token, answer)) settle(*place, answer);
}

Status Uplink::on_received(std::span<Received> received) {
  if (!hooks_.receive) return {Code::unsupported, "this uplink takes no events from upstream"};
  const Result<InboxCount> taken = hooks_.receive(current_.address, received);
  if (!taken) return taken.status();
  has_news_ = true;
  current_.received += taken->stored;
  current_.received_again += taken->again;
  current_.received_refused += taken->refused;
  return {};
}

void Uplink::settle(const Place& place, const Answer& answer) {
  Drain& drain = drains_[place.stream];
  Status status;
  switch (answer.meaning) {
    case AnswerClass::acknowledged:
      ++current_.acknowledged;
      status = drain.source.consumer.acknowledge(place.sequence);
      break;
    case AnswerClass::slow_down:  // The brain keeps the pause.
      status = drain.source.consumer.release(place.sequence);
      break;
    case AnswerClass::configuration:
    case AnswerClass::too_large:
    case AnswerClass::suspect:
    case AnswerClass::conflict:
      ++current_.refused;
      note_problem(refusal_, "event refused: " + answer.reason);
      status = drain.source.consumer.nack(place.sequence, answer.reason);
      break;
    case AnswerClass::link_down:  // The brain leaves the link, and everything is sent again.
    case AnswerClass::credentials:
      break;
  }
  if (!status.is_ok()) note_problem(drain.problem, status.message());
}

Instant Uplink::wake_up(Instant now) const {
  Instant due = brain_.wake_up(now);
  if (brain_.room(now) == 0) return due;
  for (const Drain& drain : drains_)
    due = std::min(due, std::max({now, drain.read_at, drain.source.consumer.next_due()}));
  return due;
}

// All that was not acknowledged is read and sent again, in order, with the same ids.
void Uplink::rewind() {
  for (Drain& drain : drains_)
    drain.source.consumer.rewind();
}

// Stable, so that equals keep the order in which they were named.
void Uplink::look_at_priorities() {
  for (Drain& drain : drains_) {
    if (drain.source.priority) drain.priority = drain.source.priority();
  }
  std::stable_sort(order_.begin(), order_.end(), [this](std::size_t a, std::size_t b) {
    return drains_[a].priority > drains_[b].priority;
  });
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
