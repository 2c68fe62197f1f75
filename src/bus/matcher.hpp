#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace edgepost::bus {

/// Finds which filters of a list match a topic. The list never changes: the bus makes a new
/// matcher when its subscriptions do, so that publishers read without a lock.
/// Threads: any.
class Matcher {
 public:
  /// Requires: valid filters. Must outlive: their texts this object.
  explicit Matcher(const std::vector<std::string_view>& filters);

  /// The places of the filters that match `topic`, in rising order.
  [[nodiscard]] std::vector<std::uint32_t> match(std::string_view topic) const;

 private:
  struct Wildcard {
    std::string_view filter;
    std::uint32_t place;
  };
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> exact_;
  std::vector<Wildcard> wildcards_;
};

}  // namespace edgepost::bus
