#include "bench/bus_workload.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <set>

namespace edgepost::bench {
namespace {

constexpr std::size_t kTopics = 4'096;

class Dice {
 public:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }

 private:
  std::mt19937 random_{20'261'121};
};

using Levels = std::array<std::string, 8>;

Levels random_levels(Dice& dice) {
  return {"site", std::to_string(dice.below(10)),  "line",   std::to_string(dice.below(20)),
          "dev",  std::to_string(dice.below(100)), "metric", std::to_string(dice.below(5))};
}

// The first `count` levels.
std::string join(const Levels& levels, std::size_t count = 8) {
  std::string text = levels[0];
  for (std::size_t i = 1; i < count; ++i)
    text += "/" + levels[i];
  return text;
}

std::vector<std::string> random_topics(Dice& dice) {
  std::vector<std::string> topics;
  for (std::size_t i = 0; i < kTopics; ++i)
    topics.push_back(join(random_levels(dice)));
  return topics;
}

// Filters of one shape.
struct Pattern {
  std::uint32_t plus;  // bits of the levels that are `+`
  std::size_t whole;   // levels before the `#`; 8: none
  std::size_t share;   // of 10,000 filters
};

constexpr std::uint32_t kSite = 1U << 1U, kLine = 1U << 3U, kDevice = 1U << 5U, kMetric = 1U << 7U;

// Mostly values and devices, a few that look at many.
constexpr Pattern kPlant[] = {
    {0, 8, 7'325},
    {0, 6, 800},
    {kMetric, 8, 700},
    {kDevice, 8, 400},
    {kLine, 8, 300},
    {kSite, 8, 300},
    {kLine | kDevice, 8, 40},
    {0, 4, 100},
    {kSite | kLine, 6, 30},
    {0, 2, 4},
    {kSite | kLine | kDevice, 8, 1},
};

std::string random_filter(Dice& dice, std::uint32_t plus, std::size_t whole) {
  Levels levels = random_levels(dice);
  for (std::size_t level = 0; level < whole; ++level) {
    if ((plus >> level & 1U) != 0) levels[level] = "+";
  }
  return join(levels, whole) + (whole < 8 ? "/#" : "");
}

}  // namespace

Topology plant(std::size_t count) {
  Dice dice;
  std::set<std::string> filters;
  for (const auto& [plus, whole, share] : kPlant) {
    for (const std::size_t end = filters.size() + share * count / 10'000; filters.size() < end;)
      filters.insert(random_filter(dice, plus, whole));
  }
  return {{filters.begin(), filters.end()}, random_topics(dice)};
}

Topology many_shapes(std::size_t count, std::size_t shapes) {
  Dice dice;
  std::set<std::pair<std::uint32_t, std::size_t>> known;  // bits of the `+`, levels before `#`
  while (known.size() < shapes) {
    const std::size_t least = shapes > 100 ? 2 : 6;  // levels before the `#`
    const std::size_t whole =
        dice.below(2) == 0 ? 8 : least + dice.below(static_cast<std::uint32_t>(8 - least));
    const std::uint32_t plus = dice.below(1U << whole);
    // What names no device, or only its number, would match every topic.
    const bool is_narrow = (plus & 0x20U) == 0 && (plus & 0x0aU) != 0x0aU;
    if (is_narrow || shapes > 100) known.emplace(plus, whole);
  }
  const std::vector<std::pair<std::uint32_t, std::size_t>> choice(known.begin(), known.end());
  std::set<std::string> filters;
  for (std::size_t i = 0; filters.size() < count; ++i) {
    const auto& [plus, whole] = choice[i % choice.size()];
    filters.insert(random_filter(dice, plus, whole));
  }
  return {{filters.begin(), filters.end()}, random_topics(dice)};
}

}  // namespace edgepost::bench
