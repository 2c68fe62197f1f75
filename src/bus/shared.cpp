#include "bus/shared.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "platform/platform.hpp"

namespace edgepost::bus {
namespace {

BusOptions completed(BusOptions options) {
  options.platform = complete(options.platform);
  return options;
}

// Higher priorities first, then in order of subscribing.
std::uint64_t rank_of(int priority, std::uint64_t number) {
  return static_cast<std::uint64_t>(kInternalPriority - priority) << 48U | number;
}

}  // namespace

Shared::Shared(const BusOptions& options_)
    : epochs(Barrier::best()),
      options(completed(options_)),
      retained(options.retained_max),
      requests(*options.platform.random),
      runner(clock(), options.threads) {}

std::shared_ptr<Entry> Shared::add(std::string_view filter, int priority, Handler handler,
                                   std::shared_ptr<Stage> stage) {
  auto entry = std::make_shared<Entry>();
  entry->is_counted = priority != kInternalPriority;
  entry->serving = stage.get();
  entry->handler = std::move(handler);
  entry->stage = std::move(stage);
  entry->filter = filter;
  entry->bus = weak_from_this();
  if (entry->stage) entry->stage->attach(entry);
  std::vector<Retired> old;
  {
    const std::lock_guard lock(mutex);
    if (entry->stage && is_taken(entry->stage->name())) return nullptr;
    entry->self = entry;
    entry->rank = rank_of(priority, next_number++);
    entry->previous = last;
    (last != nullptr ? last->next : first) = entry.get();
    last = entry.get();
    if (entry->is_counted) ++active;
    index.insert(entry->filter, entry.get(), old);
    generation.fetch_add(1, std::memory_order_release);
    epochs.retire(old);
  }
  epochs.collect();
  return entry;
}

bool Shared::is_taken(std::string_view name) const {
  if (name.empty()) return false;
  for (const Entry* entry = first; entry != nullptr; entry = entry->next) {
    if (entry->stage && entry->stage->name() == name) return true;
  }
  return false;
}

bool Shared::end(Entry& entry) {
  std::vector<Retired> old;
  {
    const std::lock_guard lock(mutex);
    if (entry.is_active.load(std::memory_order_relaxed)) {
      entry.is_active.store(false, std::memory_order_release);
      (entry.previous != nullptr ? entry.previous->next : first) = entry.next;
      (entry.next != nullptr ? entry.next->previous : last) = entry.previous;
      if (entry.is_counted) --active;
      index.erase(entry.filter, &entry, old);
      generation.fetch_add(1, std::memory_order_release);
      old.push_back({&entry, [](void* ended) { static_cast<Entry*>(ended)->self.reset(); }});
      epochs.retire(old);
      if (entry.stage) entry.stage->stop();
    }
  }
  const bool has_ended = epochs.finish(entry);
  epochs.collect();
  runner.reap();
  return has_ended;
}

void Shared::end_all() {
  for (;;) {
    std::shared_ptr<Entry> entry;
    {
      const std::lock_guard lock(mutex);
      if (last == nullptr) return;
      entry = last->self;
    }
    end(*entry);
  }
}

Status Shared::publish(const Event& event) {
  Inside inside(epochs);
  if (!inside) return too_deep(event);
  deliver(inside, index.match(event.topic, inside.matches()), event);
  return {};
}

Status Shared::publish(const PreparedTopic& topic, const Event& event) {
  Inside inside(epochs);
  if (!inside) return too_deep(event);
  const PreparedTopic::Audience* audience = topic.audience.load(std::memory_order_acquire);
  if (audience == nullptr || audience->generation != generation.load(std::memory_order_acquire))
      [[unlikely]] {
    audience = resolve(const_cast<PreparedTopic&>(topic));
    if (audience == nullptr) {
      deliver(inside, index.match(topic.name, inside.matches()), event);
      return {};
    }
  }
  deliver(inside, audience->listeners, event);
  return {};
}

void Shared::deliver(Inside& inside, std::span<Listener* const> listeners, const Event& event) {
  if (trace.is_on()) [[unlikely]]
    note(inside, event);
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;
  for (Listener* const listener : listeners) {
    Entry& entry = static_cast<Entry&>(*listener);
    if (inside.begin(entry)) {
      const Stage::Outcome outcome = entry.call(event);
      if (entry.is_counted && outcome != Stage::Outcome::left_out) ++delivered;
      if (outcome == Stage::Outcome::failed) ++failed;
    }
    inside.finish(entry);
  }
  Counters& counters = inside.reader().counters;
  bump(counters.published);
  bump(counters.delivered, delivered);
  bump(counters.failed, failed);
}

void Shared::note(Inside& inside, const Event& event) {
  const auto* publisher = static_cast<const Entry*>(inside.caller());
  trace.note(publisher != nullptr ? publisher->label() : std::string_view(), event.topic);
}

// Null when another thread changes the subscriptions just now: a publisher does not wait for it.
const PreparedTopic::Audience* Shared::resolve(PreparedTopic& topic) {
  const std::unique_lock lock(mutex, std::try_to_lock);
  if (!lock) return nullptr;
  auto next = std::make_unique<PreparedTopic::Audience>();
  next->generation = generation.load(std::memory_order_relaxed);
  Matches scratch;
  const auto listeners = index.match(topic.name, scratch);
  next->listeners.assign(listeners.begin(), listeners.end());
  const PreparedTopic::Audience* const now = next.release();
  if (const auto* before = topic.audience.exchange(now, std::memory_order_acq_rel))
    epochs.retire(retired(const_cast<PreparedTopic::Audience*>(before)));
  return now;
}

std::shared_ptr<PreparedTopic> Shared::prepare(std::string_view name, std::string_view publisher) {
  // The last holder may be a handler that is called for this very topic.
  const auto drop = [](PreparedTopic* topic) {
    if (const auto bus = topic->bus.lock()) {
      bus->forget(topic);
    } else {
      delete topic;
    }
  };
  std::shared_ptr<PreparedTopic> topic(new PreparedTopic, drop);
  topic->name = name;
  topic->publisher = publisher;
  topic->shared = this;
  topic->bus = weak_from_this();
  const std::lock_guard lock(mutex);
  prepared.push_back(topic.get());
  return topic;
}

void Shared::forget(PreparedTopic* topic) {
  {
    const std::lock_guard lock(mutex);
    std::erase(prepared, topic);
    epochs.retire(retired(topic));
  }
  epochs.collect();
}

BusStatus Shared::status() const {
  BusStatus status;
  const auto totals = epochs.totals();
  status.published = totals[0];
  status.delivered = totals[1];
  status.failed = totals[2];
  status.dropped = totals[3];
  const std::lock_guard lock(mutex);
  status.subscriptions = active;
  status.retained = retained.size();
  status.bytes = index.bytes();
  for (const Entry* entry = first; entry != nullptr; entry = entry->next) {
    if (!entry->stage) continue;
    SubscriptionStatus& one = status.named.emplace_back();
    one.filter = entry->filter;
    entry->stage->report(one);
    if (one.name.empty()) one.name = one.filter;
  }
  return status;
}

Status too_deep(const Event& event) {
  return {Code::wrong_state,
          "bus: handlers publish into each other more than 16 deep, last to " + event.topic};
}

}  // namespace edgepost::bus
