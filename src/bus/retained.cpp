#include "bus/retained.hpp"

#include <algorithm>

#include "base/topic.hpp"
#include "bus/shared.hpp"

namespace edgepost {
namespace bus {

bool Retained::add_filter(std::string_view filter) {
  const std::lock_guard lock(mutex_);
  return filters_.emplace(filter).second;
}

void Retained::keep(const Event& event) {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(event.topic);
  if (event.data.empty()) {
    if (found != slots_.end()) slots_.erase(found);
  } else if (found != slots_.end()) {
    found->second.event = event;  // into the memory of the one before
    found->second.version = ++version_;
  } else if (slots_.size() < topics_max_) {
    slots_.emplace(event.topic, Slot{event, ++version_});
  }
}

std::vector<Retained::Kept> Retained::matching(std::string_view filter) const {
  std::vector<Kept> all;
  const std::lock_guard lock(mutex_);
  for (const auto& [topic, slot] : slots_) {
    if (topic_matches(filter, topic)) all.push_back({topic, slot.version});
  }
  std::sort(all.begin(), all.end());
  return all;
}

bool Retained::copy(const Kept& kept, Event& out) const {
  const std::lock_guard lock(mutex_);
  const auto found = slots_.find(kept.topic);
  if (found == slots_.end() || found->second.version != kept.version) return false;
  out = found->second.event;
  return true;
}

std::size_t Retained::size() const {
  const std::lock_guard lock(mutex_);
  return slots_.size();
}

void replay(const Retained& retained, Epochs& epochs, Entry& entry) {
  Event event;
  for (const Retained::Kept& kept : retained.matching(entry.filter)) {
    const Calling calling(epochs, entry);
    if (calling && retained.copy(kept, event)) entry.call(event);
  }
}

}  // namespace bus

Status Bus::retain(std::string_view filter) {
  if (Status status = validate_filter(filter); !status.is_ok()) return status;
  bus::Retained& retained = shared_->retained;
  if (!retained.add_filter(filter)) return {};
  shared_->add(filter, bus::kInternalPriority, [&retained](const Event& event) {
    retained.keep(event);
    return Status();
  });
  return {};
}

}  // namespace edgepost
