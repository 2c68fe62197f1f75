#pragma once

#include <cstddef>
#include <cstdint>

namespace edgepost::sim {

/// Random numbers from a seed: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t bits = state_ += 0x9e3779b97f4a7c15;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111eb;
    return bits ^ (bits >> 31);
  }

  /// Where the numbers go on: Draw(state()) draws the same ones from here.
  [[nodiscard]] std::uint64_t state() const { return state_; }

  /// Evenly from 0 to `count` - 1, as far as 64 bits by modulo are even. Requires: `count` > 0.
  std::size_t below(std::size_t count) { return static_cast<std::size_t>(next() % count); }

 private:
  std::uint64_t state_;
};

}  // namespace edgepost::sim
