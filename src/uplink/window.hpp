#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "edgepost/time.hpp"

namespace edgepost {

/// How many events may be unanswered on one connection. It begins with a few and doubles with each
/// round of answers that come quickly, so that a slow line is not given more than it carries within
/// the patience for answers; late answers halve it. A round is what was in flight when it began.
class Window {
 public:
  static constexpr std::size_t kFirst = 8;
  static constexpr Duration kQuick = std::chrono::seconds(1);
  static constexpr Duration kLate = std::chrono::seconds(2);

  /// A new connection that allows `max`, 1 or more.
  void begin(std::size_t max) {
    max_ = max;
    size_ = std::min(kFirst, max);
    round_ends_ = 0;
  }

  /// The event `token` was answered after `took`; `last_token` went out last.
  void answered(std::uint64_t token, Duration took, std::uint64_t last_token) {
    if (took <= kQuick) {
      size_ = std::min(max_, size_ + 1);
    } else if (took > kLate && token > round_ends_) {
      size_ = std::max<std::size_t>(1, size_ / 2);
      round_ends_ = last_token;
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t max() const { return max_; }

 private:
  std::size_t max_ = 1;
  std::size_t size_ = 1;
  std::uint64_t round_ends_ = 0;  // Late answers up to this token have had their effect.
};

}  // namespace edgepost
