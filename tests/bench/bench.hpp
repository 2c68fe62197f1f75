#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

namespace edgepost::bench {

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

/// Runs `once` `rounds` times, each figure a rate or a time; the median.
inline double median_of(int rounds, const std::function<double()>& once) {
  std::vector<double> values;
  for (int i = 0; i < rounds; ++i)
    values.push_back(once());
  return quantile(std::move(values));
}

/// A heading, and a line of the table: what, ours, the floor's or peer's figure, their ratio.
inline void heading(const std::string& title, const std::string& peer) {
  std::printf("\n%-44s %14s %14s %8s\n", title.c_str(), "edgepost", peer.c_str(), "ratio");
}
inline void line(const std::string& what, double ours, double peer) {
  std::printf("  %-42s %14.1f %14.1f %8.2f\n", what.c_str(), ours, peer,
              peer > 0 ? ours / peer : 0.0);
  std::fflush(stdout);
}
inline void line(const std::string& what, double ours) {
  std::printf("  %-42s %14.1f\n", what.c_str(), ours);
  std::fflush(stdout);
}

}  // namespace edgepost::bench
