#include "uplink/suspects.hpp"

#include <iterator>

namespace edgepost {

bool Suspects::refused(const Place& place, bool is_last, bool has_others) {
  const auto [event, is_new] = events_.try_emplace(place, Refused{.passed = passed_});
  Refused& tries = event->second;
  if (in_a_row_.size() < kSeveral) in_a_row_.insert(place);
  const bool others_pass = passed_ > tries.passed;
  const bool is_unclear = is_upstream_suspected() || (is_last && has_others);
  const bool counts = others_pass || !is_unclear;
  tries.uncounted = counts ? 0 : tries.uncounted + 1;
  if (is_new && events_.size() > kEventsMax) {
    events_.erase(event == events_.begin() ? std::next(event) : events_.begin());
  }
  return counts;
}

unsigned Suspects::uncounted(const Place& place) const {
  const auto event = events_.find(place);
  return event == events_.end() ? 0 : event->second.uncounted;
}

}  // namespace edgepost
