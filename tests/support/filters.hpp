#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace edgepost::test {

/// The levels of a topic or a filter.
inline std::vector<std::string> split_levels(const std::string& text) {
  std::vector<std::string> levels(1);
  for (const char c : text) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

/// The rules of MQTT 5.0, section 4.7, in their plainest form: the reference.
inline bool matches_naively(const std::vector<std::string>& filter,
                            const std::vector<std::string>& topic, std::size_t at = 0) {
  if (at == 0 && topic[0].starts_with("$") && (filter[0] == "+" || filter[0] == "#")) return false;
  if (at == filter.size()) return at == topic.size();
  if (filter[at] == "#") return true;
  if (at == topic.size()) return false;
  if (filter[at] != "+" && filter[at] != topic[at]) return false;
  return matches_naively(filter, topic, at + 1);
}

/// Random topics and filters of few different levels, so that they often meet; some are empty, some
/// begin with `$`, some are longer than a machine word, and some texts have hundreds of levels.
class TopicGenerator {
 public:
  explicit TopicGenerator(std::uint32_t seed) : random_(seed) {}

  std::string topic() {
    if (below(50) == 0) return many_levels();
    std::string text = level();
    while (below(3) != 0)
      text += "/" + level();
    return text.empty() ? "/" : text;
  }

  std::string filter() {
    std::vector<std::string> levels = split_levels(topic());
    const auto one_in = static_cast<std::uint32_t>(std::max<std::size_t>(4, levels.size()));
    for (std::string& level : levels) {
      if (below(one_in) == 0) level = "+";
    }
    if (below(4) == 0) levels.back() = "#";
    std::string text = levels[0];
    for (std::size_t at = 1; at < levels.size(); ++at)
      text += "/" + levels[at];
    return text;
  }

  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

 private:
  std::string level() {
    constexpr const char* kLevels[] = {"a",           "b", "ab",      "",
                                       "temperature", "$", "$SYS",    "pressure",
                                       "pressures",   "0", "line-12", "a\xc3\xa9"};
    return kLevels[below(below(2) == 0 ? 4 : 12)];
  }

  // One of few, in which a wildcard can stand anywhere.
  std::string many_levels() {
    const std::size_t count = below(2) == 0 ? 250 : 500;
    std::string text(count, '/');
    if (below(2) == 0) text.insert(below(static_cast<std::uint32_t>(count)), "a");
    return text;
  }

  std::mt19937 random_;
};

}  // namespace edgepost::test
