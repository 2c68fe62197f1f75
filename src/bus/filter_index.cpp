#include "bus/filter_index.hpp"

#include <algorithm>

#include "base/topic.hpp"

namespace edgepost::bus {

FilterIndex::~FilterIndex() { delete filters_.load(); }

void FilterIndex::insert(std::string_view filter, Listener* listener, std::vector<Retired>& old) {
  const Filters* now = filters_.load();
  auto next = now == nullptr ? new Filters : new Filters(*now);
  const auto place = std::find_if(next->begin(), next->end(), [&](const Filter& other) {
    return other.listener->rank > listener->rank;
  });
  next->insert(place, {std::string(filter), listener});
  filters_.store(next);
  if (now != nullptr) old.push_back(retired(const_cast<Filters*>(now)));
}

void FilterIndex::erase(std::string_view /*filter*/, Listener* listener,
                        std::vector<Retired>& old) {
  const Filters* now = filters_.load();
  auto next = new Filters(*now);
  std::erase_if(*next, [&](const Filter& filter) { return filter.listener == listener; });
  filters_.store(next);
  old.push_back(retired(const_cast<Filters*>(now)));
}

std::span<Listener* const> FilterIndex::match(std::string_view topic, Matches& scratch) const {
  scratch.clear();
  const Filters* now = filters_.load();
  if (now == nullptr) return scratch;
  for (const auto& [filter, listener] : *now) {
    if (topic_matches(filter, topic)) scratch.push_back(listener);
  }
  return scratch;
}

}  // namespace edgepost::bus
