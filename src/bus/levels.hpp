#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace edgepost::bus {

/// The levels of a topic or a filter, with sums of their hashes. A level's hash depends on its text
/// and its place, so that the hash of a text in which some levels stand for anything is the sum of
/// all levels less those.
/// Threads: any.
class Levels {
 public:
  static constexpr std::size_t kMax = 513;  ///< In 512 bytes: nothing but slashes.

  /// Looks at the first `wanted` levels; of what follows it only knows that there is more.
  /// Requires: at most 512 bytes without NUL. Must outlive: `text` this object.
  explicit Levels(std::string_view text, std::size_t wanted = kMax);

  /// How many there are; `wanted` + 1 when there are more than that.
  [[nodiscard]] std::size_t count() const { return count_; }

  /// Where level `i` begins, at most `wanted`; that of the one behind the last is where it would.
  [[nodiscard]] std::size_t begin(std::size_t i) const { return begin_[i]; }

  /// The bytes of level `i` without its slash.
  [[nodiscard]] std::size_t size(std::size_t i) const { return begin(i + 1) - begin(i) - 1; }

  /// Sum of the hashes of the first `count` levels, at most `wanted`.
  [[nodiscard]] std::uint64_t sum(std::size_t count) const { return sums_[count]; }

  /// The hash of level `i`.
  [[nodiscard]] std::uint64_t hash(std::size_t i) const { return sums_[i + 1] - sums_[i]; }

 private:
  std::size_t count_ = 0;
  // Filled as far as there are levels: clearing them would cost more than all the rest.
  std::array<std::uint64_t, kMax + 1> sums_;
  std::array<std::uint16_t, kMax + 1> begin_;
};

}  // namespace edgepost::bus
