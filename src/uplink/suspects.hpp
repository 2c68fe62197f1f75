#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

#include "uplink/place.hpp"

namespace edgepost {

/// The events that the upstream has refused one by one, and whether that is their fault. An event
/// is only given up while others pass; when several are refused and none passes between, the
/// upstream is suspected instead: events go one at a time, with pauses, and a try counts only for
/// what others have passed before: each may be at the head of its key, so that none is left to
/// pass. It is pure.
class Suspects {
 public:
  /// Events refused in a row that make the upstream suspected: a sender's mistake is often in two.
  static constexpr std::size_t kSeveral = 3;
  /// Events remembered; of more, the oldest are forgotten, and begin anew when refused again.
  static constexpr std::size_t kEventsMax = 4'096;

  /// The upstream took the event.
  void acknowledged(const Place& place) {
    ++passed_;
    in_a_row_.clear();
    if (!events_.empty()) events_.erase(place);
  }

  /// The upstream refused the event, sent alone. Returns whether the try counts. `is_last`: it
  /// would be given up for it; `has_others`: there are events that may show whether others pass.
  bool refused(const Place& place, bool is_last, bool has_others);

  /// The event is gone.
  void forget(const Place& place) { events_.erase(place); }

  /// Another upstream is in use.
  void clear_upstream() { in_a_row_.clear(); }

  /// True when the event was refused before: it goes alone.
  [[nodiscard]] bool contains(const Place& place) const {
    return !events_.empty() && events_.contains(place);
  }

  /// How often the event was refused without counting.
  [[nodiscard]] unsigned uncounted(const Place& place) const;

  [[nodiscard]] bool is_upstream_suspected() const { return in_a_row_.size() >= kSeveral; }

 private:
  struct Refused {
    std::uint64_t passed = 0;  // how many others had when it was refused first
    unsigned uncounted = 0;
  };

  std::map<Place, Refused> events_;
  std::set<Place> in_a_row_;  // refused since one passed; kSeveral at most
  std::uint64_t passed_ = 0;
};

}  // namespace edgepost
