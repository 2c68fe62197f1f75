#pragma once

#include <atomic>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bus/listener.hpp"

namespace edgepost::bus {

/// Finds the listeners whose filters match a topic.
/// Threads: one at a time changes it; any number read, inside an epoch.
class FilterIndex {
 public:
  FilterIndex() = default;
  ~FilterIndex();
  FilterIndex(const FilterIndex&) = delete;
  FilterIndex& operator=(const FilterIndex&) = delete;

  void insert(std::string_view filter, Listener* listener, std::vector<Retired>& old);
  void erase(std::string_view filter, Listener* listener, std::vector<Retired>& old);

  /// By rank; in `scratch` or in the index itself.
  std::span<Listener* const> match(std::string_view topic, Matches& scratch) const;

  [[nodiscard]] std::size_t bytes() const { return 0; }

 private:
  struct Filter {
    std::string filter;
    Listener* listener;
  };
  using Filters = std::vector<Filter>;
  std::atomic<const Filters*> filters_{nullptr};
};

}  // namespace edgepost::bus
