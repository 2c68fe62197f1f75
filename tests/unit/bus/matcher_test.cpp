#include "bus/matcher.hpp"

#include <doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using edgepost::bus::Matcher;

namespace {

using Places = std::vector<std::uint32_t>;
using Levels = std::vector<std::string>;

Levels split(const std::string& text) {
  Levels levels(1);
  for (const char c : text) {
    if (c == '/') {
      levels.emplace_back();
    } else {
      levels.back() += c;
    }
  }
  return levels;
}

// The rules of MQTT 5.0, section 4.7, in their plainest form: the reference.
bool matches_naively(const Levels& filter, const Levels& topic, std::size_t at = 0) {
  if (at == 0 && topic[0].starts_with("$") && (filter[0] == "+" || filter[0] == "#")) return false;
  if (at == filter.size()) return at == topic.size();
  if (filter[at] == "#") return true;
  if (at == topic.size()) return false;
  if (filter[at] != "+" && filter[at] != topic[at]) return false;
  return matches_naively(filter, topic, at + 1);
}

// Random texts of few different levels, so that filters and topics often meet.
class Generator {
 public:
  std::string topic() {
    std::string text = level();
    while (below(3) != 0)
      text += "/" + level();
    return text.empty() ? "/" : text;
  }

  std::string filter() {
    Levels levels = split(topic());
    for (std::string& level : levels) {
      if (below(4) == 0) level = "+";
    }
    if (below(4) == 0) levels.back() = "#";
    std::string text = levels[0];
    for (std::size_t at = 1; at < levels.size(); ++at)
      text += "/" + levels[at];
    return text;
  }

 private:
  std::string level() {
    constexpr const char* kLevels[] = {"a", "b", "c", "ab", "", "$SYS"};
    return kLevels[below(6)];
  }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

  std::mt19937 random_{20'261'121};
};

}  // namespace

TEST_CASE("matcher: it finds exactly what a naive reading of the rules finds") {
  Generator generator;
  std::size_t found = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<std::string> filters;
    for (int i = 0; i < 40; ++i)
      filters.push_back(generator.filter());
    const Matcher matcher({filters.begin(), filters.end()});
    for (int i = 0; i < 100; ++i) {
      const std::string topic = generator.topic();
      Places expected;
      for (std::uint32_t place = 0; place < filters.size(); ++place) {
        if (matches_naively(split(filters[place]), split(topic))) expected.push_back(place);
      }
      CAPTURE(topic);
      REQUIRE(matcher.match(topic) == expected);
      found += expected.size();
    }
  }
  CHECK(found > 10'000);  // else the texts hardly ever met, and nothing was proven
}

TEST_CASE("matcher: exact filters and wildcards come in one rising order") {
  const Matcher matcher({"a/+", "a/b", "#", "a/b", "x", "+/b"});
  CHECK(matcher.match("a/b") == Places{0, 1, 2, 3, 5});
  CHECK(matcher.match("x") == Places{2, 4});
}

TEST_CASE("matcher: without filters nothing matches") { CHECK(Matcher({}).match("a").empty()); }
