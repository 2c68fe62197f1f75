#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "bus/listener.hpp"

namespace edgepost::bus {

class FilterTable;
struct IndexHeap;

/// Finds the listeners whose filters match a topic, by the rules of MQTT 5.0, section 4.7.
/// One hash table for each shape of filters (FilterTable): a topic asks each table that fits its
/// number of levels, once. Readers take no lock and write nothing; one writer changes what is there
/// while they read. Decision 18 has the figures.
/// Threads: match() any, all else one at a time. A reader must not see an object that was retired
/// before it began; what is retired while it reads has to wait for it.
class FilterIndex {
 public:
  /// `key_mask` cuts the keys of the tables, so that a test can make them collide.
  explicit FilterIndex(std::uint64_t key_mask = ~std::uint64_t{0}) : key_mask_(key_mask) {}
  /// Requires: no readers.
  ~FilterIndex();
  FilterIndex(const FilterIndex&) = delete;
  FilterIndex& operator=(const FilterIndex&) = delete;

  /// Adds a listener. What readers may still look at is added to `retired`.
  /// Requires: a valid filter; a rank that no other listener has. Must outlive: `listener` its
  /// erasure, and the readers of that time.
  void insert(std::string_view filter, Listener* listener, std::vector<Retired>& retired);

  /// Takes out a listener. Requires: it was inserted with this filter.
  void erase(std::string_view filter, Listener* listener, std::vector<Retired>& retired);

  /// The listeners whose filters match, in the order of their ranks; they are in `scratch`.
  /// What is inserted or erased meanwhile may be there or not. Allocates only when `scratch` grows.
  /// Requires: a valid topic.
  std::span<Listener* const> match(std::string_view topic, Matches& scratch) const;

  /// Heap in use, without the listeners.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  class Directory;
  void replace_directory(std::vector<FilterTable*>& tables, IndexHeap& heap);

  std::atomic<Directory*> directory_{nullptr};  // null when there are no filters
  std::size_t bytes_ = 0;
  const std::uint64_t key_mask_;
};

}  // namespace edgepost::bus
