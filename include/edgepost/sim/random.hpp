#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "edgepost/platform.hpp"

namespace edgepost::sim {

/// Random bytes from a seed, the same in each run. Each RandomUse has a sequence of its own, so
/// that one more retry does not change the ids of later events.
/// Threads: any; with several, which of them gets which bytes is theirs to decide.
class SeededRandom final : public Random {
 public:
  /// The bytes of all uses follow from `seed`.
  explicit SeededRandom(std::uint64_t seed = 1);

  void fill(RandomUse use, std::span<std::byte> out) override;

  /// From now on each draw for jitter is `share` of the largest value, 0.0 to 1.0: a back-off
  /// takes that share of its longest delay.
  void fix_jitter(double share);

 private:
  std::mutex mutex_;
  std::array<std::uint64_t, 3> seeds_{};  // by use: where its next draw begins
  std::optional<std::uint64_t> jitter_;
};

}  // namespace edgepost::sim
