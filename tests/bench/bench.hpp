#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace edgepost::bench {

/// How much work is done. A quick run shows that everything works; its figures mean little.
struct Effort {
  int rounds = 3;
  std::size_t divisor = 1;
  std::vector<std::size_t> pending = {0, 1'000, 100'000, 1'000'000};

  [[nodiscard]] std::size_t of(std::size_t amount) const {
    return std::max<std::size_t>(amount / divisor, 10);
  }
};

/// How long `work` takes, in seconds.
inline double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The value in the middle of `values`, and the 99th percentile with `share` 0.99.
inline double quantile(std::vector<double> values, double share = 0.5) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size() - 1));
  return values[place];
}

/// What a figure should come to.
struct Target {
  enum class Sense : unsigned char { none, at_least, at_most } sense = Sense::none;
  double bound = 0;
};
inline Target at_least(double bound) { return {Target::Sense::at_least, bound}; }
inline Target at_most(double bound) { return {Target::Sense::at_most, bound}; }

inline void heading(const std::string& title) { std::printf("\n%s\n", title.c_str()); }

/// A figure, and whether it meets its target.
inline void line(const std::string& what, double value, const std::string& unit,
                 Target target = {}) {
  const int digits = value >= 100 ? 0 : value >= 1 || value == 0 ? 2 : 4;
  std::printf("  %-42s %11.*f %-12s", what.c_str(), digits, value, unit.c_str());
  if (target.sense != Target::Sense::none) {
    const bool is_least = target.sense == Target::Sense::at_least;
    const bool is_met = is_least ? value >= target.bound : value <= target.bound;
    std::printf(" target %s %-6g %s", is_least ? ">=" : "<=", target.bound,
                is_met ? "met" : "MISSED");
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// How the figure above compares with a floor's or a peer's of the same run.
inline void beside(const std::string& peer, double ours, double theirs, Target target = {}) {
  if (theirs > 0) line("  beside " + peer, ours / theirs, "x", target);
}

}  // namespace edgepost::bench
