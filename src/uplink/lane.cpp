#include "uplink/lane.hpp"

#include <algorithm>

#include "base/event_weight.hpp"
#include "edgepost/status.hpp"

namespace edgepost {
namespace {

// A window of the largest events would take more memory than a small gateway has.
constexpr std::size_t kBytesMax = 1024 * 1024;

}  // namespace

bool Lane::has_room() const { return slots_.size() < events_max_ && bytes_ < kBytesMax; }

void Lane::add(std::vector<Event>&& events) {
  for (Event& event : events) {
    bytes_ += weight(event);
    slots_.push_back({.event = std::move(event)});
  }
}

std::optional<std::uint64_t> Lane::take(Instant now) {
  if (now >= retry_at_) {
    if (const auto slot = take_parked(now)) return slot;
  }
  while (next_ < first_ + slots_.size()) {
    const std::uint64_t number = next_++;
    Slot& slot = at(number);
    if (const auto known = refused_.find(slot.event.sequence); known != refused_.end()) {
      slot.refusals = known->second.count;
      slot.due = known->second.due;
    }
    const bool ordered = !parks_.empty() && !slot.event.key.empty();
    if (slot.due > now || (ordered && parks_.contains(park_id(slot, number)))) {
      slot.parked = true;
      std::deque<std::uint64_t>& slots = parks_[park_id(slot, number)].slots;
      if (slots.empty()) retry_at_ = std::min(retry_at_, slot.due);
      slots.push_back(number);
      continue;
    }
    slot.state = Slot::State::in_flight;
    return number;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> Lane::take_parked(Instant now) {
  retry_at_ = Instant::max();
  for (auto& [id, park] : parks_) {
    if (park.in_flight > 0) continue;
    Slot& head = at(park.slots.front());
    if (head.due <= now) {
      park.in_flight = 1;
      head.state = Slot::State::in_flight;
      retry_at_ = now;  // Others may be due as well: the next call finds them.
      return park.slots.front();
    }
    retry_at_ = std::min(retry_at_, head.due);
  }
  return std::nullopt;
}

const Event& Lane::event(std::uint64_t slot) const {
  EDGEPOST_ASSERT(slot >= first_ && slot - first_ < slots_.size());
  return slots_[static_cast<std::size_t>(slot - first_)].event;
}

std::uint64_t Lane::acknowledge(std::uint64_t slot) {
  Slot& done = at(slot);
  EDGEPOST_ASSERT(done.state == Slot::State::in_flight);
  if (done.parked) leave_park(slot);
  done.state = Slot::State::done;
  bytes_ -= weight(done.event);
  const std::uint64_t sequence = done.event.sequence;
  refused_.erase(sequence);
  if (slot != first_) done.event = Event();
  while (!slots_.empty() && slots_.front().state == Slot::State::done) {
    slots_.pop_front();
    ++first_;
  }
  return sequence;
}

unsigned Lane::count_refusal(std::uint64_t slot) { return at(slot).refusals++; }

void Lane::retry(std::uint64_t slot, Instant due) {
  EDGEPOST_ASSERT(at(slot).state == Slot::State::in_flight);
  Park& place = park(slot);
  at(slot).state = Slot::State::waiting;
  at(slot).due = due;
  if (at(slot).refusals > 0) refused_[at(slot).event.sequence] = {at(slot).refusals, due};
  --place.in_flight;
  retry_at_ = std::min(retry_at_, at(place.slots.front()).due);
}

// The park that `slot` is in. It takes in every event of the key that is on its way: those were
// sent before anything of the key was parked, so they come first.
Lane::Park& Lane::park(std::uint64_t slot) {
  const ParkId id = park_id(at(slot), slot);
  Park& park = parks_[id];
  if (at(slot).parked) return park;
  for (std::uint64_t number = next_; number-- > first_;) {
    Slot& other = at(number);
    if (other.parked || other.state != Slot::State::in_flight || park_id(other, number) != id) {
      continue;
    }
    other.parked = true;
    park.slots.push_front(number);
    ++park.in_flight;
  }
  return park;
}

void Lane::leave_park(std::uint64_t slot) {
  const auto place = parks_.find(park_id(at(slot), slot));
  EDGEPOST_ASSERT(place != parks_.end());
  Park& park = place->second;
  --park.in_flight;
  std::erase(park.slots, slot);
  if (park.slots.empty()) {
    parks_.erase(place);
  } else {
    retry_at_ = std::min(retry_at_, at(park.slots.front()).due);
  }
}

void Lane::clear() {
  first_ += slots_.size();
  next_ = first_;
  slots_.clear();
  parks_.clear();
  bytes_ = 0;
  retry_at_ = Instant::max();
}

Lane::ParkId Lane::park_id(const Slot& slot, std::uint64_t number) {
  return {slot.event.key, slot.event.key.empty() ? number : 0};
}

Lane::Slot& Lane::at(std::uint64_t slot) {
  EDGEPOST_ASSERT(slot >= first_ && slot - first_ < slots_.size());
  return slots_[static_cast<std::size_t>(slot - first_)];
}

}  // namespace edgepost
