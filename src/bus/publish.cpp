// What each publish runs, in one place so that the compiler makes one piece of it.
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "bus/shared.hpp"
#include "edgepost/bus.hpp"

namespace edgepost {
namespace bus {
namespace {

[[gnu::cold, gnu::noinline]] Status too_deep(const Event& event) {
  return {Code::wrong_state,
          "bus: handlers publish into each other more than 16 deep, last to " + event.topic};
}

[[gnu::cold, gnu::noinline]] void note(Shared& shared, Reader& reader, std::uint32_t depth,
                                       const Event& event) {
  const void* caller =
      depth == 0 ? nullptr : reader.shown.place(depth - 1).load(std::memory_order_relaxed);
  shared.trace.note(
      caller == nullptr ? std::string_view() : static_cast<const Entry*>(caller)->label(),
      event.topic);
}

// Null when another thread changes the subscriptions just now: a publisher does not wait for it.
[[gnu::cold, gnu::noinline]] const PreparedTopic::Audience* resolve(Shared& shared,
                                                                    PreparedTopic& topic) {
  const std::unique_lock lock(shared.mutex, std::try_to_lock);
  if (!lock) return nullptr;
  auto next = std::make_unique<PreparedTopic::Audience>();
  next->generation = shared.generation.load(std::memory_order_relaxed);
  Matches scratch;
  const auto listeners = shared.index.match(topic.name, scratch);
  next->listeners.assign(listeners.begin(), listeners.end());
  const PreparedTopic::Audience* const now = next.release();
  if (const auto* before = topic.audience.exchange(now, std::memory_order_acq_rel))
    shared.epochs.retire(retired(const_cast<PreparedTopic::Audience*>(before)));
  return now;
}

// Calls an entry that is more than a handler. False: it is not to be counted as a delivery.
[[gnu::noinline]] bool call_special(Entry& entry, const Event& event, Counters& counters) {
  const Stage::Outcome outcome = entry.call(event);
  if (outcome == Stage::Outcome::failed) bump(counters.failed);
  return entry.is_counted() && outcome != Stage::Outcome::left_out;
}

// Calls those listeners that have not ended; returns how many of them are not to be counted.
// Spelled out instead of using Calling, so that everything stays in registers between two handlers.
[[gnu::always_inline]] inline std::uint64_t call_all(Epochs& epochs, Reader& reader,
                                                     std::uint32_t before,
                                                     std::span<Listener* const> listeners,
                                                     const Event& event) {
  const Barrier barrier = epochs.barrier();
  auto& place = reader.shown.place(reader.shown.depth_of(before));
  std::uint64_t uncounted = 0;
  for (Listener* const listener : listeners) {
    Entry& entry = static_cast<Entry&>(*listener);
    if (reader.shown.begin(place, &entry, entry.is_active, barrier)) [[likely]] {
      if (entry.is_plain) [[likely]] {
        if (!entry.handler(event).is_ok()) [[unlikely]]
          bump(reader.counters.failed);
      } else if (!call_special(entry, event, reader.counters)) {
        ++uncounted;
      }
    } else {
      ++uncounted;
    }
    if (!reader.shown.finish(place, entry.is_active, barrier)) [[unlikely]]
      epochs.left(entry);
  }
  return uncounted;
}

// `find` returns the listeners, given the thread's record and memory for them. `done` is called
// when they are not needed any more.
template <typename Find, typename Done>
[[gnu::always_inline]] inline Status publish_to(Shared& shared, const Event& event,
                                                const Find& find, const Done& done) {
  Reader& reader = shared.epochs.reader();
  const std::uint32_t before = reader.shown.word();
  const std::uint32_t depth = reader.shown.depth_of(before);
  if (depth == kDepthMax) [[unlikely]]
    return too_deep(event);
  reader.shown.enter(before, shared.epochs.barrier());
  if (shared.trace.is_on()) [[unlikely]]
    note(shared, reader, depth, event);
  const std::span<Listener* const> listeners = find(reader, reader.matches.data()[depth]);
  const std::uint64_t uncounted = call_all(shared.epochs, reader, before, listeners, event);
  bump(reader.counters.published);
  bump(reader.counters.delivered, listeners.size() - uncounted);
  done();
  reader.shown.leave(before);
  return {};
}

// Finds the listeners in the index, and remembers those of a topic that is wanted again.
[[gnu::noinline]] std::span<Listener* const> look_up(const Shared& shared, Recent::Place& place,
                                                     std::uint64_t hash, std::uint64_t now,
                                                     const Event& event, Matches& scratch) {
  const std::span<Listener* const> listeners = shared.index.match(event.topic, scratch);
  if (place.missed == hash && place.users == 0) {
    place.topic = event.topic;
    place.listeners.assign(listeners.begin(), listeners.end());
    place.generation = now;
  }
  place.missed = hash;
  return listeners;
}

[[gnu::cold, gnu::noinline]] Status not_prepared(const Event& event,
                                                 const PreparedTopic& prepared) {
  return {Code::invalid_argument,
          "topic: is '" + event.topic + "', '" + prepared.name + "' was prepared"};
}

}  // namespace

Status Shared::publish(const Event& event) {
  Recent::Place* used = nullptr;
  std::uint32_t users = 0;
  return publish_to(
      *this, event,
      [&](Reader& reader, Matches& scratch) -> std::span<Listener* const> {
        const std::uint64_t now = generation.load(std::memory_order_acquire);
        const std::uint64_t hash = Recent::hash(event.topic);
        Recent::Place& place = reader.recent.at(hash);
        if (!place.holds(event.topic, now)) return look_up(*this, place, hash, now, event, scratch);
        used = &place;
        users = place.users;
        place.users = users + 1;
        return place.listeners;
      },
      [&] {
        if (used != nullptr) used->users = users;
      });
}

Status Shared::publish(PreparedTopic& topic, const Event& event) {
  if (!is_same(event.topic, topic.name)) [[unlikely]]
    return not_prepared(event, topic);
  if (topic.shared != this) [[unlikely]]
    return publish(event);
  return publish_to(
      *this, event,
      [&](Reader&, Matches& scratch) -> std::span<Listener* const> {
        const auto* audience = topic.audience.load(std::memory_order_acquire);
        const std::uint64_t now = generation.load(std::memory_order_acquire);
        if (audience == nullptr || audience->generation != now) [[unlikely]] {
          audience = resolve(*this, topic);
          if (audience == nullptr) return index.match(event.topic, scratch);
        }
        return audience->listeners;
      },
      [] {});
}

}  // namespace bus

Status Bus::publish(const Event& event) { return shared_->publish(event); }

Status Bus::publish(const Topic& topic, const Event& event) {
  return shared_->publish(*topic.prepared_, event);
}

}  // namespace edgepost
