#include "edgepost/sim/random.hpp"

#include "edgepost/status.hpp"
#include "sim/draw.hpp"

namespace edgepost::sim {

SeededRandom::SeededRandom(std::uint64_t seed) {
  Draw draw(seed);
  for (std::uint64_t& of_use : seeds_)
    of_use = draw.next();
}

void SeededRandom::fill(RandomUse use, std::span<std::byte> out) {
  const std::lock_guard lock(mutex_);
  std::uint64_t& seed = seeds_[static_cast<std::size_t>(use)];
  for (std::size_t i = 0; i < out.size();) {
    Draw draw(seed);
    const bool is_fixed = use == RandomUse::jitter && jitter_;
    std::uint64_t bits = is_fixed ? *jitter_ : draw.next();
    seed = draw.state();
    for (int byte = 0; byte < 8 && i < out.size(); ++byte, ++i, bits >>= 8U)
      out[i] = static_cast<std::byte>(bits & 0xffU);
  }
}

void SeededRandom::fix_jitter(double share) {
  EDGEPOST_ASSERT(share >= 0.0 && share <= 1.0);
  const std::lock_guard lock(mutex_);
  constexpr double kRange = 18446744073709551615.0;
  jitter_ = share >= 1.0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(share * kRange);
}

}  // namespace edgepost::sim
