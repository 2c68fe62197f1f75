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

// The last holder may be a handler that is called for this very topic.
void forget(PreparedTopic* topic) {
  const auto bus = topic->bus.lock();
  if (!bus) {
    delete topic;
    return;
  }
  {
    const std::lock_guard lock(bus->mutex);
    std::erase(bus->prepared, topic);
    bus->epochs.retire(retired(topic));
  }
  bus->epochs.collect();
}

}  // namespace

Shared::Shared(const BusOptions& options_, Barrier barrier)
    : epochs(barrier),
      options(completed(options_)),
      retained(options.retained_max),
      requests(std::make_shared<Requests>(*options.platform.random)),
      runner(clock(), options.threads) {}

std::shared_ptr<Entry> Shared::add(std::string_view filter, int priority, Handler handler,
                                   std::shared_ptr<Stage> stage) {
  auto entry = std::make_shared<Entry>();
  entry->weight = priority == kInternalPriority ? 0 : 1;
  entry->is_plain = !stage && entry->is_counted();
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
    active += entry->weight;
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
      active -= entry.weight;
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

std::shared_ptr<PreparedTopic> Shared::prepare(std::string_view name, std::string_view publisher) {
  std::shared_ptr<PreparedTopic> topic(new PreparedTopic, forget);
  topic->name = name;
  topic->publisher = publisher;
  topic->shared = this;
  topic->bus = weak_from_this();
  const std::lock_guard lock(mutex);
  prepared.push_back(topic.get());
  return topic;
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
  }
  return status;
}

}  // namespace edgepost::bus
