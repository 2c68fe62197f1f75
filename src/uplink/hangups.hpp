#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>

#include "uplink/place.hpp"

namespace edgepost {

/// Finds the event at which the link dies each time, since some upstreams hang up instead of
/// refusing. When connections are lost one after the other with the same events unanswered, events
/// go one at a time until those are answered, or the link has died at one that was alone: a
/// *culprit*. A culprit goes alone, and only after others have passed; it is guilty once more when
/// the link dies again although they have. When it passes, it was the link. It is pure.
class Hangups {
 public:
  /// Connections lost in a row with an event in common that make the events suspected.
  static constexpr unsigned kSeveral = 2;
  /// A culprit comes again soon so many times, while there are others to compare it with.
  static constexpr unsigned kSoon = 5;
  /// Culprits remembered.
  static constexpr std::size_t kCulpritsMax = 64;
  /// Others that pass one at a time, none of which stands before what they wait for, until that
  /// counts as gone: streams drop events.
  static constexpr unsigned kPatience = 64;

  /// The upstream took the event.
  void acknowledged(const Place& place);

  /// The upstream left with these unanswered, one at least. Returns true when one event alone is to
  /// blame, and the link is not: others have passed since it died there before.
  bool lost(std::span<const Place> unanswered);

  /// The event is gone.
  void forget(const Place& place);

  /// A culprit that is ready would go now, but others are on their way: lets them come home first.
  void clear_the_way() { is_way_cleared_ = true; }

  /// How often a culprit was guilty; null for other events.
  [[nodiscard]] const unsigned* guilt(const Place& place) const;

  /// True for a culprit when others have passed since the link died at it.
  [[nodiscard]] bool is_ready(const Place& place) const;

  /// True when a culprit is the next one to go.
  [[nodiscard]] bool expects_culprit() const;

  /// Events go one at a time.
  [[nodiscard]] bool is_one_at_a_time() const { return losses_ >= kSeveral || is_way_cleared_; }

 private:
  struct Culprit {
    unsigned guilt = 0;
    std::uint64_t passed = 0;  // how many others had when the link died at it
  };

  bool died_at(Culprit& culprit);
  bool clear_suspect(const Place& place);
  [[nodiscard]] bool is_before_awaited(const Place& place) const;
  void absolve();

  std::set<Place> suspects_;  // unanswered at each of the last losses
  unsigned losses_ = 0;       // with these in common
  std::map<Place, Culprit> culprits_;
  bool is_way_cleared_ = false;
  unsigned waited_ = 0;  // others that passed one at a time in a row; see kPatience
  std::uint64_t passed_ = 0;
};

}  // namespace edgepost
