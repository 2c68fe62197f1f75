#include "bus/keyed_queue.hpp"

#include <functional>
#include <string>
#include <utility>

namespace edgepost::bus {
namespace {

const std::string& key_of(const Event& event) {
  return event.key.empty() ? event.topic : event.key;
}

bool is_same(const Event& a, const Event& b) {
  return a.key.empty() == b.key.empty() && key_of(a) == key_of(b);
}

}  // namespace

KeyedQueue::KeyedQueue(std::size_t capacity)
    : mask_(capacity - 1),
      events_(std::make_unique<Event[]>(capacity + 1)),
      waiting_(capacity),
      buckets_(2 * capacity),
      spare_(&events_[capacity]) {
  for (std::size_t place = 0; place < capacity; ++place)
    waiting_[place].event = &events_[place];
}

KeyedQueue::Pushed KeyedQueue::push(const Event& event) {
  const std::size_t hash = std::hash<std::string>()(key_of(event));
  const std::lock_guard lock(mutex_);
  const std::size_t bucket = find(hash, event);
  if (buckets_[bucket] != 0) {
    *waiting_[buckets_[bucket] - 1].event = event;
    return Pushed::replaced;
  }
  if (tail_ - head_ > mask_) return Pushed::refused;
  const std::size_t place = tail_++ & mask_;
  waiting_[place].hash = hash;
  *waiting_[place].event = event;
  buckets_[bucket] = static_cast<Bucket>(place + 1);
  return Pushed::added;
}

Event* KeyedQueue::pop() {
  const std::lock_guard lock(mutex_);
  if (head_ == tail_) return nullptr;
  Waiting& oldest = waiting_[head_ & mask_];
  erase(find(oldest.hash, *oldest.event));
  std::swap(oldest.event, spare_);
  ++head_;
  return spare_;
}

std::size_t KeyedQueue::size() const {
  const std::lock_guard lock(mutex_);
  return tail_ - head_;
}

std::size_t KeyedQueue::find(std::size_t hash, const Event& event) const {
  std::size_t bucket = hash & (buckets_.size() - 1);
  while (buckets_[bucket] != 0) {
    const Waiting& found = waiting_[buckets_[bucket] - 1];
    if (found.hash == hash && is_same(*found.event, event)) break;
    bucket = (bucket + 1) & (buckets_.size() - 1);
  }
  return bucket;
}

// Moves later ones of the same run into the gap where they may stand, so that find() never stops
// before them.
void KeyedQueue::erase(std::size_t gap) {
  const std::size_t mask = buckets_.size() - 1;
  for (std::size_t next = (gap + 1) & mask; buckets_[next] != 0; next = (next + 1) & mask) {
    const std::size_t home = waiting_[buckets_[next] - 1].hash & mask;
    if (((next - home) & mask) < ((next - gap) & mask)) continue;
    buckets_[gap] = buckets_[next];
    gap = next;
  }
  buckets_[gap] = 0;
}

}  // namespace edgepost::bus
