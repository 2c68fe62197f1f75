#include "edgepost/sim/random.hpp"

#include <doctest.h>

#include <algorithm>
#include <array>

using namespace edgepost;
using sim::SeededRandom;

namespace {

using Bytes = std::array<std::byte, 16>;

Bytes draw(SeededRandom& random, RandomUse use) {
  Bytes bytes{};
  random.fill(use, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("seeded random: the same seed gives the same bytes, another one others") {
  SeededRandom one(7);
  SeededRandom same(7);
  SeededRandom other(8);
  const Bytes first = draw(one, RandomUse::ids);
  CHECK(first == draw(same, RandomUse::ids));
  CHECK(first != draw(other, RandomUse::ids));
  CHECK(first != draw(one, RandomUse::ids));
}

TEST_CASE("seeded random: what one use draws changes nothing for another") {
  SeededRandom one(7);
  SeededRandom other(7);
  draw(other, RandomUse::jitter);
  draw(other, RandomUse::nonces);
  const Bytes ids = draw(one, RandomUse::ids);
  CHECK(ids == draw(other, RandomUse::ids));
  CHECK(ids != draw(one, RandomUse::nonces));
}

TEST_CASE("seeded random: jitter can be held at a share of its range") {
  SeededRandom random;
  const Bytes ids = draw(random, RandomUse::ids);
  random.fix_jitter(1.0);
  const Bytes most = draw(random, RandomUse::jitter);
  CHECK(std::count(most.begin(), most.end(), std::byte{0xff}) == 16);
  random.fix_jitter(0.0);
  CHECK(draw(random, RandomUse::jitter) == Bytes{});
  CHECK(draw(random, RandomUse::ids) != ids);  // only jitter is held
}
