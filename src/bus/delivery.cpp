#include "bus/delivery.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "bus/entry.hpp"
#include "bus/shared.hpp"

namespace edgepost::bus {
namespace {

// A handler that is always slow would fill the log.
constexpr Duration kLogPause = std::chrono::seconds(10);

constexpr std::array<Duration::rep, CallTimes().size() - 1> kTimes = {
    1,     2,     5,      10,     20,     50,      100,     200,     500,      1'000,
    2'000, 5'000, 10'000, 20'000, 50'000, 100'000, 200'000, 500'000, 1'000'000};

void count(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

std::uint64_t read(const std::atomic<std::uint64_t>& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace

Delivery::Delivery(Shared& shared, std::string_view filter, SubscribeOptions options,
                   Handler handler, Lane* lane)
    : shared_(shared),
      label_(options.name.empty() ? filter : options.name),
      options_(std::move(options)),
      handler_(std::move(handler)),
      lane_(lane),
      gate_(options_) {
  if (options_.run == Run::inline_) return;
  const std::size_t capacity = std::bit_ceil(options_.queue_capacity);
  if (options_.overflow == Overflow::keep_latest) {
    keyed_ = std::make_unique<KeyedQueue>(capacity);
  } else {
    ring_ = std::make_unique<Ring>(capacity);
  }
}

bool Delivery::needs_lane(const SubscribeOptions& options) {
  return options.run != Run::inline_ || (options.interval > Duration::zero() && options.latest);
}

Stage::Outcome Delivery::offer(const Event& event) {
  const Instant now = gate_.has_interval() ? shared_.clock().now() : Instant();
  switch (gate_.admit(event, now)) {
    case Gate::Verdict::left_out:
      count(filtered_);
      return Outcome::left_out;
    case Gate::Verdict::held:
      lane_->schedule(*this);
      return Outcome::left_out;
    case Gate::Verdict::passes:
      break;
  }
  if (!has_queue()) return call(event);
  enqueue(event);
  lane_->schedule(*this);
  return Outcome::taken;
}

void Delivery::enqueue(const Event& event) {
  if (keyed_) {
    const KeyedQueue::Pushed pushed = keyed_->push(event);
    if (pushed == KeyedQueue::Pushed::replaced) count(filtered_);
    if (pushed == KeyedQueue::Pushed::refused) drop();
    return;
  }
  if (!ring_->push(event) && !push_when_full(event)) drop();
}

// False: the event is to be dropped.
bool Delivery::push_when_full(const Event& event) {
  if (options_.overflow == Overflow::block) return wait_for_room(event);
  if (options_.overflow == Overflow::spill) {
    if (!options_.spill(event).is_ok()) return false;
    count(spilled_);
    return true;
  }
  if (options_.overflow == Overflow::drop_newest) return false;
  bool is_in = false;
  while (!is_in && ring_->drop()) {
    drop();
    is_in = ring_->push(event);
  }
  return is_in || ring_->push(event);
}

bool Delivery::wait_for_room(const Event& event) {
  bool is_in = false;
  count(blocked_);
  lane_->schedule(*this);
  lane_->wait_for_room([&] {
    is_in = !is_stopped_ && ring_->push(event);
    return is_in || is_stopped_;
  });
  return is_in;
}

void Delivery::drop() {
  count(dropped_);
  bump(shared_.epochs.reader().counters.dropped);
}

Instant Delivery::run(Instant now) {
  const std::shared_ptr<Entry> entry = entry_.lock();
  if (!entry || is_stopped_) return Instant::max();
  bool is_busy = has_queue() && drain(*entry);
  // After the queue, where there are older events of the same topics.
  while (gate_.release(now, released_)) {
    is_busy = true;
    if (has_queue()) {
      enqueue(*released_);
    } else if (!call_later(*entry, *released_)) {
      return Instant::max();
    }
  }
  return is_busy ? now : gate_.next_due();
}

// Whether there was something in the queue.
bool Delivery::drain(Entry& entry) {
  const std::size_t count = queued();
  if (count > queued_max_.load(std::memory_order_relaxed)) queued_max_ = count;
  Duration::rep handled = 0;
  // Looks at least once, since only pop() sees what was pushed before the lane was told.
  for (std::size_t left = std::max<std::size_t>(count, 1); left > 0; --left) {
    const Event* const event = keyed_ ? keyed_->pop() : ring_->pop();
    if (event == nullptr) break;
    ++handled;
    if (options_.overflow == Overflow::block) lane_->make_room();
    if (!call_later(entry, *event)) break;
  }
  lane_->note_handled(handled);
  return handled > 0;
}

// False: the subscription has ended.
bool Delivery::call_later(Entry& entry, const Event& event) {
  const Calling calling(shared_.epochs, entry);
  if (!calling) return false;
  if (call(event) == Outcome::failed) bump(shared_.epochs.reader().counters.failed);
  return true;
}

Stage::Outcome Delivery::call(const Event& event) {
  if (options_.once && is_spent_.exchange(true)) {
    count(filtered_);
    return Outcome::left_out;
  }
  const bool is_timed = options_.is_measured || options_.slow_after > Duration::zero();
  const Instant begin = is_timed ? shared_.clock().now() : Instant();
  const Status status = handler_(event);
  if (is_timed) measure(shared_.clock().now() - begin, event);
  count(delivered_);
  if (!status.is_ok()) {
    count(failed_);
    const std::lock_guard lock(mutex_);
    last_error_ = status.message();
  }
  if (options_.once) {
    if (const auto entry = entry_.lock()) shared_.end(*entry);
  }
  return status.is_ok() ? Outcome::taken : Outcome::failed;
}

void Delivery::measure(Duration duration, const Event& event) {
  const auto place = std::lower_bound(kTimes.begin(), kTimes.end(), duration.count());
  if (options_.is_measured) count(times_[static_cast<std::size_t>(place - kTimes.begin())]);
  const std::lock_guard lock(mutex_);
  longest_ = std::max(longest_, duration);
  if (options_.is_measured) busy_ += duration;
  if (options_.slow_after == Duration::zero() || duration <= options_.slow_after) return;
  count(slow_);
  const Instant now = shared_.clock().now();
  if (now < next_log_) return;
  next_log_ = now + kLogPause;
  shared_.options.platform.logger->write(
      LogLevel::warning, "bus",
      label_ + ": slow, took " + std::to_string(duration.count()) + " us on " + event.topic +
          ", more than " + std::to_string(options_.slow_after.count()) + " us");
}

void Delivery::stop() {
  is_stopped_ = true;
  if (ring_) lane_->make_room();
}

void Delivery::close() {
  handler_ = {};
  options_.where = {};
  options_.value = {};
  options_.spill = {};
  if (options_.run == Run::own) shared_.runner.end(*lane_);
}

void Delivery::report(SubscriptionStatus& status) const {
  status.name = options_.name;
  status.delivered = read(delivered_);
  status.failed = read(failed_);
  status.filtered = read(filtered_);
  status.dropped = read(dropped_);
  status.spilled = read(spilled_);
  status.blocked = read(blocked_);
  status.slow = read(slow_);
  status.queued = gate_.held() + (has_queue() ? queued() : 0);
  status.queued_max = std::max(queued_max_.load(std::memory_order_relaxed), status.queued);
  for (std::size_t i = 0; i < times_.size(); ++i)
    status.times[i] = read(times_[i]);
  const std::lock_guard lock(mutex_);
  status.longest = longest_;
  status.busy = busy_;
  status.last_error = last_error_;
}

}  // namespace edgepost::bus
