#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "edgepost/time.hpp"
#include "edgepost/window.hpp"

namespace edgepost::bus {

/// What has come of one topic.
class Sum {
 public:
  /// Adds a finite number.
  void add(double value);

  /// What it is all together, of a window that began at `begin`. Must outlive: `topic` the result.
  [[nodiscard]] WindowSummary summary(std::string_view topic, Instant begin) const;

 private:
  std::uint64_t count_ = 0;
  double minimum_ = 0;
  double maximum_ = 0;
  double total_ = 0;  // scaled
  double last_ = 0;
};

/// The arithmetic of tumbling windows: numbers go in by topic, windows that have ended come out.
/// Time is an argument. Threads: one at a time.
class Sums {
 public:
  /// A window and its topics.
  struct Span {
    Instant begin;                                   ///< A multiple of the length.
    std::map<std::string, Sum, std::less<>> topics;  ///< One or more.
  };

  /// Requires: `length` is positive.
  Sums(Duration length, std::size_t topics_max) : length_(length), topics_max_(topics_max) {}

  /// Adds a finite `value` at `now`. False: it was left out, since the window has `topics_max`
  /// other topics, or nobody has taken the two windows before.
  bool add(std::string_view topic, double value, Instant now);

  /// When the oldest window that has values ends; max when none has.
  [[nodiscard]] Instant end() const;

  /// Takes the oldest window, if it has ended by `now`.
  std::optional<Span> take(Instant now);

 private:
  Duration length_;
  std::size_t topics_max_;
  std::deque<Span> spans_;  // the newest at the end
};

/// `{"count":2,"min":1,"max":4,"avg":2.5,"last":4}`
std::string to_json(const WindowSummary& summary);

}  // namespace edgepost::bus
