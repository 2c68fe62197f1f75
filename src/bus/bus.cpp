#include "edgepost/bus.hpp"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/topic.hpp"
#include "bus/entry.hpp"
#include "bus/matcher.hpp"

namespace edgepost {
namespace {

// Deeper nesting is a loop of handlers; its stack would run out next.
constexpr std::ptrdiff_t kPublishDepthMax = 16;

using Entries = std::vector<std::shared_ptr<bus::Entry>>;

std::vector<std::string_view> filters_of(const Entries& entries) {
  std::vector<std::string_view> filters;
  filters.reserve(entries.size());
  for (const auto& entry : entries) {
    filters.push_back(entry->filter);
  }
  return filters;
}

// The subscriptions at one instant. A publish works through one, whatever changes meanwhile.
struct Snapshot {
  explicit Snapshot(const Entries& now) : entries(now), matcher(filters_of(entries)) {}

  const Entries entries;  // in order of subscribing
  const bus::Matcher matcher;
};

}  // namespace

namespace bus {

struct Shared {
  // Null when this thread is too deep in handlers already.
  std::shared_ptr<const Snapshot> begin_publish() {
    const std::lock_guard lock(mutex);
    const std::thread::id self = std::this_thread::get_id();
    if (std::count(publishers.begin(), publishers.end(), self) == kPublishDepthMax) return nullptr;
    publishers.push_back(self);
    ++counters.published;
    // Made here and not when subscribing, because at its start a firmware subscribes many times
    // between two publishes.
    if (!snapshot) snapshot = std::make_shared<const Snapshot>(entries);
    return snapshot;
  }

  void end_publish(std::uint64_t delivered, std::uint64_t failed) {
    const std::lock_guard lock(mutex);
    publishers.erase(std::find(publishers.begin(), publishers.end(), std::this_thread::get_id()));
    counters.delivered += delivered;
    counters.failed += failed;
  }

  void remove(const Entry& entry) {
    const std::lock_guard lock(mutex);
    const auto place = std::lower_bound(
        entries.begin(), entries.end(), entry.number,
        [](const auto& before, std::uint64_t number) { return before->number < number; });
    if (place == entries.end()) return;  // the bus is being destroyed and ends it as well
    entries.erase(place);
    snapshot.reset();
  }

  std::mutex mutex;
  Entries entries;                           // in order of subscribing
  std::shared_ptr<const Snapshot> snapshot;  // of the entries; null when they have changed
  std::vector<std::thread::id> publishers;   // one for each running publish
  std::uint64_t next_number = 0;
  BusStatus counters;
};

}  // namespace bus

Subscription::Subscription(std::shared_ptr<bus::Entry> entry) : entry_(std::move(entry)) {}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  unsubscribe();
  entry_ = std::move(other.entry_);
  return *this;
}

Subscription::~Subscription() { unsubscribe(); }

bool Subscription::unsubscribe() {
  // The handler may own this very object, which is therefore not touched again.
  const std::shared_ptr<bus::Entry> entry = std::move(entry_);
  if (!entry) return true;
  if (const auto bus = entry->bus.lock()) bus->remove(*entry);
  return entry->end();
}

Bus::Bus() : shared_(std::make_shared<bus::Shared>()) {}

Bus::~Bus() {
  Entries entries;
  {
    const std::lock_guard lock(shared_->mutex);
    entries.swap(shared_->entries);
  }
  for (const auto& entry : entries) {
    entry->end();
  }
}

Result<Subscription> Bus::subscribe(std::string_view filter, Handler handler) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  if (!handler) return Status(Code::invalid_argument, "handler: empty, a function is wanted");
  const std::lock_guard lock(shared_->mutex);
  auto entry =
      std::make_shared<bus::Entry>(shared_, shared_->next_number++, filter, std::move(handler));
  shared_->entries.push_back(entry);
  shared_->snapshot.reset();
  return Subscription(std::move(entry));
}

Status Bus::publish(const Event& event) {
  const std::shared_ptr<const Snapshot> snapshot = shared_->begin_publish();
  if (!snapshot) {
    return {Code::wrong_state,
            "bus: handlers publish into each other more than 16 deep, last to " + event.topic};
  }
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;
  for (const std::uint32_t place : snapshot->matcher.match(event.topic)) {
    const std::optional<Status> outcome = snapshot->entries[place]->call(event);
    if (!outcome) continue;
    ++delivered;
    if (!outcome->is_ok()) ++failed;
  }
  shared_->end_publish(delivered, failed);
  return {};
}

BusStatus Bus::status() const {
  const std::lock_guard lock(shared_->mutex);
  BusStatus status = shared_->counters;
  status.subscriptions = shared_->entries.size();
  return status;
}

}  // namespace edgepost
