#include "store/delivery.hpp"

#include <algorithm>

#include "base/event_weight.hpp"
#include "edgepost/status.hpp"

namespace edgepost::store {

Delivery::Delivery(const ConsumerOptions& options, std::uint64_t first)
    : order_(options.order),
      max_in_flight_(options.max_in_flight),
      max_in_flight_per_line_(order_ == Order::stream ? 1 : options.max_in_flight_per_key),
      ack_wait_(options.ack_wait),
      max_deliver_(options.max_deliver),
      first_(first) {}

bool Delivery::wants(std::uint64_t sequence) const {
  if (!has_room() || busy_ >= kBusyMax) return false;
  if (slots_.empty()) return order_ != Order::stream || requeued_.empty();
  return order_ != Order::stream && sequence - first_ < kSpanMax;
}

bool Delivery::admit(Event& event, Duration life, Instant due, Instant now) {
  const std::uint64_t sequence = event.sequence;
  EDGEPOST_ASSERT(wants(sequence) && sequence >= first_ + slots_.size());
  if (slots_.empty()) first_ = sequence;
  // What lies between was settled before it was read.
  slots_.resize(static_cast<std::size_t>(sequence - first_) + 1);
  Slot& slot = slots_.back();
  slot.line = line_of(event);
  return place(slot, event, life, due, now);
}

bool Delivery::admit_fresh(Event& event, Duration life, Instant due, Instant now) {
  EDGEPOST_ASSERT(wants_fresh() && is_free(event) && find(event.sequence) == nullptr);
  return place(fresh_[event.sequence], event, life, due, now);
}

bool Delivery::place(Slot& slot, Event& event, Duration life, Instant due, Instant now) {
  const std::uint64_t sequence = event.sequence;
  const bool may_go =
      slot.line == nullptr ||
      (slot.line->second.waiting.empty() && slot.line->second.in_flight < max_in_flight_per_line_);
  if (may_go && due <= now) {
    start(sequence, slot, now);
    return true;
  }
  hold(std::move(event), life);
  wait(sequence, slot, due <= now ? Instant() : due);
  return false;
}

bool Delivery::admit_requeued(Event&& event) {
  const std::uint64_t sequence = event.sequence;
  if (find(sequence) != nullptr) return false;
  Slot& slot = requeued_[sequence];
  slot.line = line_of(event);
  hold(std::move(event), {});
  wait(sequence, slot, Instant());
  return true;
}

std::optional<Turn> Delivery::take(Instant now) {
  fail_overdue(now);
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const std::uint64_t sequence = timers_.begin()->second;
    timers_.erase(timers_.begin());
    at(sequence).due = Instant();
    ready_.insert(sequence);
  }
  if (!has_room() || ready_.empty()) return std::nullopt;
  Turn turn;
  turn.sequence = *ready_.begin();
  turn.is_requeued = is_requeued(turn.sequence);
  ready_.erase(ready_.begin());
  Slot& slot = at(turn.sequence);
  if (slot.line != nullptr) {
    slot.line->second.waiting.erase(turn.sequence);
    slot.line->second.offered = 0;
  }
  start(turn.sequence, slot, now);
  if (const auto held = held_.find(turn.sequence); held != held_.end()) {
    turn.event = std::move(held->second.event);
    turn.life = held->second.life;
    held_bytes_ -= weight(*turn.event);
    held_.erase(held);
  }
  return turn;
}

bool Delivery::was_handed_out(std::uint64_t sequence) const {
  if (const Slot* slot = find(sequence)) return slot->was_handed_out;
  return sequence < first_ + slots_.size();
}

bool Delivery::is_in_flight(std::uint64_t sequence) const {
  const Slot* slot = find(sequence);
  return slot != nullptr && slot->state == State::in_flight;
}

bool Delivery::is_given_up(std::uint64_t sequence) const {
  const Slot* slot = find(sequence);
  return slot != nullptr && slot->state == State::given_up;
}

void Delivery::settle(std::uint64_t sequence) {
  if (find(sequence) == nullptr) return;
  Slot& slot = at(sequence);
  Named* line = std::exchange(slot.line, nullptr);
  if (slot.state == State::waiting) {
    let_go(sequence);
    if (line == nullptr || line->second.offered == sequence) withdraw(sequence, slot);
    if (line != nullptr) {
      line->second.waiting.erase(sequence);
      if (line->second.offered == sequence) line->second.offered = 0;
    }
  } else {
    end_flight(sequence, slot);
    if (line != nullptr) --line->second.in_flight;
  }
  slot.state = State::settled;
  attempts_.forget(sequence);
  if (!is_requeued(sequence) && !is_fresh(sequence)) {
    for (; !slots_.empty() && slots_.front().state == State::settled; ++first_)
      slots_.pop_front();
  } else if (requeued_.erase(sequence) == 0) {
    fresh_.erase(sequence);
  }
  if (line != nullptr) update(*line);
}

void Delivery::fail(std::uint64_t sequence, std::string_view error, Instant due) {
  Slot& slot = at(sequence);
  EDGEPOST_ASSERT(slot.state == State::in_flight);
  const unsigned attempts = attempts_.count(sequence, error);
  if (max_deliver_ > 0 && attempts >= max_deliver_) {
    give_up(sequence, slot, "max_deliver");
  } else {
    end_flight(sequence, slot);
    if (slot.line != nullptr) --slot.line->second.in_flight;
    wait(sequence, slot, due);
  }
}

void Delivery::reject(std::uint64_t sequence, std::string_view reason, std::string_view error) {
  Slot& slot = at(sequence);
  EDGEPOST_ASSERT(slot.state == State::in_flight);
  attempts_.count(sequence, error);
  give_up(sequence, slot, reason);
}

void Delivery::release(std::uint64_t sequence, Instant due) {
  Slot& slot = at(sequence);
  EDGEPOST_ASSERT(slot.state == State::in_flight);
  end_flight(sequence, slot);
  if (slot.line != nullptr) --slot.line->second.in_flight;
  wait(sequence, slot, due);
}

void Delivery::take_back(std::uint64_t sequence, Instant due) {
  Slot& slot = at(sequence);
  EDGEPOST_ASSERT(slot.state == State::given_up);
  end_flight(sequence, slot);
  if (slot.line != nullptr) --slot.line->second.in_flight;
  wait(sequence, slot, due);
}

void Delivery::rewind() {
  for (std::size_t i = slots_.size(); i-- > 0;) {
    if (slots_[i].state == State::in_flight) release(first_ + i);
  }
  for (const Slots* slots : {&fresh_, &requeued_}) {
    for (const auto& [sequence, slot] : *slots) {
      if (slot.state == State::in_flight) release(sequence);
    }
  }
}

Instant Delivery::next_due() const {
  Instant due = overdue_.empty() ? Instant::max() : overdue_.begin()->first;
  if (!has_room()) return due;
  if (!ready_.empty()) return {};
  return timers_.empty() ? due : std::min(due, timers_.begin()->first);
}

const Delivery::Slot* Delivery::find(std::uint64_t sequence) const {
  const auto look_in = [sequence](const Slots& slots) {
    const auto found = slots.find(sequence);
    return found == slots.end() ? nullptr : &found->second;
  };
  if (!requeued_.empty()) {
    if (const Slot* slot = look_in(requeued_)) return slot;
  }
  if (!fresh_.empty()) {
    if (const Slot* slot = look_in(fresh_)) return slot;
  }
  if (sequence < first_ || sequence - first_ >= slots_.size()) return nullptr;
  const Slot& slot = slots_[static_cast<std::size_t>(sequence - first_)];
  return slot.state == State::settled ? nullptr : &slot;
}

Delivery::Slot& Delivery::at(std::uint64_t sequence) {
  const Slot* slot = find(sequence);
  EDGEPOST_ASSERT(slot != nullptr);
  return const_cast<Slot&>(*slot);
}

Delivery::Named* Delivery::line_of(const Event& event) {
  if (is_free(event)) return nullptr;
  return &*lines_.try_emplace(order_ == Order::key ? event.key : std::string()).first;
}

void Delivery::hold(Event&& event, Duration life) {
  const std::size_t bytes = weight(event);
  if (held_bytes_ + bytes > kHeldBytesMax) return;
  held_bytes_ += bytes;
  const std::uint64_t sequence = event.sequence;
  held_.emplace(sequence, Held{std::move(event), life});
}

void Delivery::let_go(std::uint64_t sequence) {
  const auto held = held_.find(sequence);
  if (held == held_.end()) return;
  held_bytes_ -= weight(held->second.event);
  held_.erase(held);
}

void Delivery::start(std::uint64_t sequence, Slot& slot, Instant now) {
  slot.state = State::in_flight;
  slot.was_handed_out = true;
  ++in_flight_;
  if (ack_wait_ > Duration::zero()) {
    slot.due = now + ack_wait_;
    overdue_.emplace(slot.due, sequence);
  }
  if (slot.line == nullptr) return;
  ++slot.line->second.in_flight;
  update(*slot.line);
}

void Delivery::end_flight(std::uint64_t sequence, Slot& slot) {
  --in_flight_;
  if (ack_wait_ > Duration::zero()) overdue_.erase({slot.due, sequence});
}

void Delivery::wait(std::uint64_t sequence, Slot& slot, Instant due) {
  slot.state = State::waiting;
  slot.due = due;
  if (slot.line == nullptr) return offer(sequence, slot);
  slot.line->second.waiting.insert(sequence);
  update(*slot.line);
}

void Delivery::give_up(std::uint64_t sequence, Slot& slot, std::string_view reason) {
  slot.state = State::given_up;
  if (ack_wait_ > Duration::zero()) overdue_.erase({slot.due, sequence});
  given_up_.push_back({sequence, is_requeued(sequence), std::string(reason)});
}

void Delivery::offer(std::uint64_t sequence, const Slot& slot) {
  if (slot.due == Instant()) {
    ready_.insert(sequence);
  } else {
    timers_.emplace(slot.due, sequence);
  }
}

void Delivery::withdraw(std::uint64_t sequence, const Slot& slot) {
  if (ready_.erase(sequence) == 0) timers_.erase({slot.due, sequence});
}

// Of a line, the event that comes next stands among those that may be handed out, and no other.
void Delivery::update(Named& named) {
  Line& line = named.second;
  const bool may_go = !line.waiting.empty() && line.in_flight < max_in_flight_per_line_;
  const std::uint64_t next = may_go ? *line.waiting.begin() : 0;
  if (next != line.offered) {
    if (line.offered != 0) withdraw(line.offered, at(line.offered));
    line.offered = next;
    if (next != 0) offer(next, at(next));
  }
  const std::size_t busy = line.in_flight > 0 ? line.waiting.size() : 0;
  busy_ = busy_ - line.busy + busy;
  line.busy = busy;
  if (line.waiting.empty() && line.in_flight == 0) lines_.erase(lines_.find(named.first));
}

void Delivery::fail_overdue(Instant now) {
  while (!overdue_.empty() && overdue_.begin()->first <= now) {
    fail(overdue_.begin()->second, "no answer within ack_wait", Instant());
  }
}

}  // namespace edgepost::store
