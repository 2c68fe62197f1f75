#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace edgepost::mqtt {

/// The numbers that stand for topics on one connection (MQTT 5.0, section 3.3.2.3.4): the first
/// topics get one, as many as the broker allows, the others go on being sent in full.
class TopicAliases {
 public:
  TopicAliases() = default;
  /// `broker_max` is the broker's Topic Alias Maximum.
  explicit TopicAliases(std::size_t broker_max) : max_(std::min(broker_max, kMax)) {}

  /// The number of a topic that was sent with it; 0: none.
  [[nodiscard]] std::uint16_t find(const std::string& topic) const {
    const auto known = numbers_.find(topic);
    return known == numbers_.end() ? std::uint16_t{0} : known->second;
  }

  /// The number for a topic that has none; 0: they are all taken.
  [[nodiscard]] std::uint16_t next() const {
    return static_cast<std::uint16_t>(numbers_.size() == max_ ? 0 : numbers_.size() + 1);
  }

  /// The topic has been sent with next().
  void add(const std::string& topic) { numbers_.emplace(topic, next()); }

 private:
  static constexpr std::size_t kMax = 256;  // Each costs us and the broker the topic's memory.

  std::map<std::string, std::uint16_t> numbers_;
  std::size_t max_ = 0;
};

}  // namespace edgepost::mqtt
