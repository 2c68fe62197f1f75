#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

#include "edgepost/platform.hpp"

namespace edgepost::test {

/// Random bytes from a seed, the same in each run: SplitMix64 (Steele, Lea, Flood: "Fast
/// splittable pseudorandom number generators", 2014), one sequence for each use.
/// Threads: any.
class FakeRandom final : public Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) {
    for (std::size_t use = 0; use < states_.size(); ++use)
      states_[use] = (seed << 8) + use;
  }

  void fill(RandomUse use, std::span<std::byte> out) override {
    const std::lock_guard lock(mutex_);
    std::uint64_t& state = states_[static_cast<std::size_t>(use)];
    for (std::size_t i = 0; i < out.size();) {
      std::uint64_t bits = use == RandomUse::jitter && jitter_ ? *jitter_ : next(state);
      for (int byte = 0; byte < 8 && i < out.size(); ++byte, ++i, bits >>= 8) {
        out[i] = static_cast<std::byte>(bits & 0xff);
      }
    }
  }

  /// From now on each draw for jitter is `share` of the largest value, 0.0 to 1.0: a back-off
  /// takes that share of its longest delay.
  void fix_jitter(double share) {
    const std::lock_guard lock(mutex_);
    constexpr double kRange = 18446744073709551615.0;
    jitter_ = share >= 1.0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(share * kRange);
  }

 private:
  static std::uint64_t next(std::uint64_t& state) {
    std::uint64_t bits = state += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }

  std::mutex mutex_;
  std::array<std::uint64_t, 3> states_{};
  std::optional<std::uint64_t> jitter_;
};

}  // namespace edgepost::test
