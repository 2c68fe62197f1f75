#include "uplink/lane.hpp"

#include <algorithm>

#include "edgepost/status.hpp"

namespace edgepost {
namespace {

// A window of the largest events would take more memory than a small gateway has.
constexpr std::size_t kBytesMax = 1024 * 1024;

std::size_t bytes_of(const Event& event) {
  std::size_t bytes = event.data.size() + event.topic.size();
  for (const Attribute& attribute : event.attributes) {
    bytes += attribute.name.size() + attribute.value.size();
  }
  return bytes;
}

}  // namespace

bool Lane::has_room() const { return slots_.size() < events_max_ && bytes_ < kBytesMax; }

void Lane::add(std::vector<Event>&& events) {
  for (Event& event : events) {
    bytes_ += bytes_of(event);
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
    const bool ordered = !parks_.empty() && !slot.event.key.empty();
    const auto key = ordered ? parks_.find(park_id(slot, number)) : parks_.end();
    if (key != parks_.end()) {
      slot.parked = true;
      key->second.slots.push_back(number);
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
  bytes_ -= bytes_of(done.event);
  const std::uint64_t sequence = done.event.sequence;
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
  --place.in_flight;
  retry_at_ = std::min(retry_at_, at(place.slots.front()).due);
}

// The park that `slot` is in. A new one takes in every event of the key that is on its way.
Lane::Park& Lane::park(std::uint64_t slot) {
  const ParkId id = park_id(at(slot), slot);
  const auto [place, is_new] = parks_.try_emplace(id);
  Park& park = place->second;
  if (!is_new) return park;
  for (std::uint64_t number = first_; number < next_; ++number) {
    Slot& other = at(number);
    if (other.state != Slot::State::in_flight || park_id(other, number) != id) continue;
    other.parked = true;
    park.slots.push_back(number);
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
