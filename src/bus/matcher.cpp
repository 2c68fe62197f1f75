#include "bus/matcher.hpp"

#include <algorithm>

#include "base/topic.hpp"

namespace edgepost::bus {

Matcher::Matcher(const std::vector<std::string_view>& filters) {
  for (std::uint32_t place = 0; place < filters.size(); ++place) {
    const std::string_view filter = filters[place];
    if (filter.find_first_of("+#") == std::string_view::npos) {
      exact_[filter].push_back(place);
    } else {
      wildcards_.push_back({filter, place});
    }
  }
}

std::vector<std::uint32_t> Matcher::match(std::string_view topic) const {
  std::vector<std::uint32_t> places;
  if (const auto found = exact_.find(topic); found != exact_.end()) places = found->second;
  const auto exact_count = static_cast<std::ptrdiff_t>(places.size());
  for (const auto& [filter, place] : wildcards_) {
    if (topic_matches(filter, topic)) places.push_back(place);
  }
  std::inplace_merge(places.begin(), places.begin() + exact_count, places.end());
  return places;
}

}  // namespace edgepost::bus
