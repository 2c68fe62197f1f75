#pragma once

#include <atomic>
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
};

/// The filters of one shape: a hash table with open addressing, in one piece of memory. Its key is
/// the sum of the hashes of the levels that are not `+`: a topic has one key for all filters of the
/// shape, and the text decides. Readers see it change: a filter stays where it is until it is
/// erased, or a copy replaces the table.
/// Threads: match() and what says something of the shape any, all else one at a time.
class FilterTable {
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
    for (std::uint32_t i = 0; i < capacity_; ++i) {
      if (FilterNode* node = places_[i].load(std::memory_order_relaxed)) function(node);
    }
  }

  [[nodiscard]] std::size_t filters() const { return live_; }
  [[nodiscard]] bool is_sparse() const;
  [[nodiscard]] std::size_t bytes() const;

 private:
  using Tag = std::atomic<std::uint16_t>;

  FilterTable(const FilterShape& shape, std::uint64_t key_mask, std::uint32_t capacity);

  [[nodiscard]] std::uint64_t key(const Levels& levels) const;
  [[nodiscard]] bool matches(std::string_view text, std::string_view topic,
                             const Levels& levels) const;
  [[nodiscard]] std::size_t first(std::uint64_t key) const {
    return static_cast<std::size_t>(key >> shift_);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (capacity_ - 1); }

  // The arrays follow the object: places, tags, and the levels that are `+`.
  Place* places_;
  Tag* tags_;  // bits of the keys: most filters that are not wanted are told from these alone
  std::uint16_t* plus_;
  std::uint64_t key_mask_;
  std::uint32_t capacity_;  // a power of two
  std::uint32_t used_ = 0;  // filters and graves
  std::uint32_t live_ = 0;  // filters
  std::uint16_t levels_;
  std::uint16_t plus_count_;
  std::uint8_t shift_;
  bool is_rest_;
  bool begins_wild_;
};

}  // namespace edgepost::bus
