#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace edgepost::bus {

/// The levels of a topic or a filter, with sums of their hashes. A level's hash depends on its text
/// and its place, so that the hash of a text in which some levels stand for anything is the sum of
/// the others'.
/// Threads: any.
class Levels {
 public:
  static constexpr std::size_t kMax = 513;  ///< In 512 bytes: nothing but slashes.
  static constexpr std::size_t kGroup = 4;  ///< Levels of which every sum is at hand.

  /// Groups that `levels` have; two at least, so that of most shapes the key is one addition.
  static std::size_t groups(std::size_t levels) {
    return std::max<std::size_t>(2, (levels + kGroup - 1) / kGroup);
  }

  /// Looks at the first `wanted` levels; of what follows it only knows that there is more.
  /// Requires: at most 512 bytes without NUL. Must outlive: `text` this object.
  explicit Levels(std::string_view text, std::size_t wanted = kMax);

  /// How many there are; `wanted` + 1 when there are more than that.
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Where level `i` begins, at most `wanted`; that of the one behind the last is where it would.
  [[nodiscard]] std::size_t begin(std::size_t i) const { return begin_[i]; }

  /// The bytes of level `i` without its slash.
  [[nodiscard]] std::size_t size(std::size_t i) const { return begin(i + 1) - begin(i) - 1; }

  /// Sum of the hashes of some of the levels 4 `group` to 4 `group` + 3: those whose bits are set.
  /// Requires: there are these levels, or no bits are set and the group is one of the first two.
  [[nodiscard]] std::uint64_t sum(std::size_t group, std::size_t bits) const {
    return sums_[group][bits];
  }

 private:
  void add_up(std::size_t count);

  std::size_t count_ = 0;
  // Filled as far as there are levels: clearing them would cost more than all the rest.
  static constexpr std::size_t kGroups = kMax / kGroup + 1;
  std::uint64_t hashes_[kGroups * kGroup];
  std::uint64_t sums_[kGroups][1U << kGroup];
  std::uint16_t begin_[kMax + 1];
};

}  // namespace edgepost::bus
