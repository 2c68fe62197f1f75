#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "bus/filter_node.hpp"
#include "bus/levels.hpp"

namespace edgepost::bus {

/// Where the wildcards of a filter stand. Filters of one shape look at the same levels of a topic.
struct FilterShape {
  FilterShape() = default;
  /// Requires: a valid filter. Must outlive: its text this object.
  explicit FilterShape(std::string_view filter);

  std::string_view text;            ///< The filter without the level `#`.
  bool is_rest = false;             ///< It ends with `#`.
  std::uint16_t levels = 0;         ///< Of `text`; none when the filter is `#` alone.
  std::vector<std::uint16_t> plus;  ///< Which of them are `+`.

  /// Of levels, as Levels makes them.
  [[nodiscard]] std::size_t groups() const { return Levels::groups(levels); }
};

/// The filters of one shape: a hash table in one piece of memory. Its key is the sum of the hashes
/// of the levels that are not `+`: a topic has one key for all filters of the shape, and the text
/// decides. Readers see it change: a filter stays where it is until it is erased, or a copy
/// replaces the table. A bucket is a word of seven tags, a byte of each filter's key, and the
/// number of filters that found it full and went on to the next one. So a topic is told from the
/// filters that it does not match by looking at one word, and the branch on it can be foreseen.
/// Threads: match() and what says something of the shape any, all else one at a time.
class alignas(std::uint64_t) FilterTable {
 public:
  using Place = std::atomic<FilterNode*>;

  /// An empty table with room for `filters`. Keys are cut to the bits of `key_mask`.
  static FilterTable* make(const FilterShape& shape, std::uint64_t key_mask, std::size_t filters,
                           IndexHeap& heap);

  /// The filter that matches the topic, or null. Requires: a topic of as many levels as the shape
  /// has, or more when it ends with `#`.
  [[nodiscard]] const FilterNode* match(std::string_view topic, const Levels& levels) const;

  /// Its first level is a wildcard.
  [[nodiscard]] bool begins_wild() const { return begins_wild_; }
  [[nodiscard]] bool is_rest() const { return is_rest_; }
  [[nodiscard]] std::size_t levels() const { return levels_; }
  [[nodiscard]] bool has(const FilterShape& shape) const;

  /// Where the filter with this text is, or null.
  Place* find(std::string_view text);

  /// Adds a filter that is not in it. False: there is no room.
  bool insert(FilterNode* node);

  /// Takes out what is at `place`.
  void erase(Place* place);

  /// The same filters in a table that has room for one more and is not too large.
  FilterTable* replace(IndexHeap& heap);

  template <typename Function>
  void for_each(const Function& function) const {
    for (std::size_t i = 0; i < kSlots * buckets_; ++i) {
      if (FilterNode* node = places_[i].load(std::memory_order_relaxed)) function(node);
    }
  }

  [[nodiscard]] std::size_t filters() const { return filters_; }
  [[nodiscard]] bool is_sparse() const { return buckets_ > 1 && filters_ < buckets_; }
  [[nodiscard]] std::size_t bytes() const { return bytes(buckets_, plus_count_, groups_); }

 private:
  using Tags = std::atomic<std::uint64_t>;

  static constexpr std::size_t kSlots = 7;           // of a bucket
  static constexpr unsigned kPassedShift = 56;       // where its word counts who went on
  static constexpr std::size_t kFiltersMean = 5;     // of a bucket, at most
  static constexpr std::uint16_t kNoLevel = 0xffff;  // behind the last `+`
  static constexpr std::uint64_t kOnes = 0x0001'0101'0101'0101;

  FilterTable(const FilterShape& shape, std::uint64_t key_mask, std::uint32_t buckets);

  static std::size_t bytes(std::size_t buckets, std::size_t plus_count, std::size_t groups);
  static std::uint64_t tag_of(std::uint64_t key) { return key >> 56U; }
  [[nodiscard]] std::uint64_t key(const Levels& levels) const;
  [[nodiscard]] bool matches(std::string_view text, std::string_view topic,
                             const Levels& levels) const;
  [[nodiscard]] std::size_t first(std::uint64_t key) const {
    return static_cast<std::size_t>(key >> 32U) & (buckets_ - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t bucket) const { return (bucket + 1) & (buckets_ - 1); }
  void pass(std::size_t bucket, std::uint64_t difference);

  // The arrays follow the object, in this order.
  Tags* const tags_;
  Place* const places_;
  std::uint16_t* const plus_;    // the levels that are `+`
  std::uint8_t* const literal_;  // bits of those that are not, for each group of levels
  const std::uint64_t key_mask_;
  const std::uint32_t buckets_;  // a power of two
  std::uint32_t filters_ = 0;
  const std::uint16_t levels_;
  const std::uint16_t plus_count_;
  const std::uint8_t groups_;
  const bool is_rest_;
  const bool begins_wild_;
};

inline std::uint64_t FilterTable::key(const Levels& levels) const {
  std::uint64_t sum = levels.sum(0, literal_[0]) + levels.sum(1, literal_[1]);
  for (std::size_t group = 2; group < groups_; ++group)
    sum += levels.sum(group, literal_[group]);
  return sum & key_mask_;
}

inline const FilterNode* FilterTable::match(std::string_view topic, const Levels& levels) const {
  const std::uint64_t wanted = key(levels);
  const std::uint64_t pattern = tag_of(wanted) * kOnes;
  const std::size_t begin = first(wanted);
  std::size_t bucket = begin;
  do {
    // Relaxed: of what was inserted before this began, everything is seen, and of what is inserted
    // meanwhile nothing needs to be. A tag that is out of date leads to a text that does not match.
    const std::uint64_t tags = tags_[bucket].load(std::memory_order_relaxed);
    const std::uint64_t difference = tags ^ pattern;
    // The high bit of each byte that is zero; perhaps of some above it, too.
    std::uint64_t same = (difference - kOnes) & ~difference & (0x80 * kOnes);
    for (; same != 0; same &= same - 1) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(same)) / 8;
      const FilterNode* node = places_[bucket * kSlots + slot].load(std::memory_order_acquire);
      if (node != nullptr && matches(node->text(), topic, levels)) return node;
    }
    if (tags >> kPassedShift == 0) break;
    bucket = next(bucket);
  } while (bucket != begin);
  return nullptr;
}

}  // namespace edgepost::bus
