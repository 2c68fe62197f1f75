#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// Counts something that took `took`.
inline void record(Histogram& histogram, Duration took) {
  took = std::max(took, Duration::zero());
  // Each bound is four times the one before: two bits more of the milliseconds, rounded up.
  const auto above =
      static_cast<std::uint64_t>(std::max<Duration::rep>(took.count(), 1) - 1) / 1000;
  const std::size_t bucket = (static_cast<std::size_t>(std::bit_width(above)) + 1) / 2;
  ++histogram.counts[std::min(bucket, Histogram::kBuckets - 1)];
  histogram.sum += took;
}

/// How well answers come on one endpoint.
class Latency {
 public:
  void answered(Duration took) {
    const Duration::rep step = took.count() - mean_.count();
    mean_ += Duration(has_any_ ? step / kWeight : step);
    has_any_ = true;
  }
  /// The moving mean of the last answers.
  [[nodiscard]] Duration mean() const { return mean_; }

 private:
  static constexpr Duration::rep kWeight = 16;
  Duration mean_ = Duration::zero();
  bool has_any_ = false;
};

/// The score of an endpoint that is online: the share of acknowledgements, less where answers take
/// longer than a second on average, but never 0.
inline unsigned score(unsigned success_percent, Duration mean) {
  constexpr Duration kQuick = std::chrono::seconds(1);
  const auto slowness =
      static_cast<unsigned>(std::clamp<Duration::rep>(mean.count() / kQuick.count(), 1, 100));
  return std::max(1U, success_percent / slowness);
}

}  // namespace edgepost
