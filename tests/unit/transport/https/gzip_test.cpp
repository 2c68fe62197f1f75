#include "transport/https/gzip.hpp"

#include <doctest.h>

#include "support/fake_random.hpp"
#include "support/process.hpp"

namespace edgepost::https {
namespace {

/// What the gzip command makes of it.
std::string unpack(const std::string& packed) {
  const test::Outcome outcome = test::run({"gzip", "-dc"}, packed);
  CHECK(outcome.code == 0);
  return outcome.out;
}

std::string random_bytes(std::size_t count) {
  test::FakeRandom random(7);
  std::string bytes(count, '\0');
  random.fill(RandomUse::ids, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

}  // namespace

TEST_CASE("gzip: what it packs is unpacked to the same bytes") {
  for (const std::size_t size : {0U, 1U, 2U, 3U, 257U, 258U, 259U, 40'000U}) {
    CAPTURE(size);
    const std::string bytes = random_bytes(size);
    CHECK(unpack(gzip(bytes)) == bytes);
    CHECK(unpack(gzip(std::string(size, 'a'))) == std::string(size, 'a'));
  }
}

TEST_CASE("gzip: repetitions are found near and far, and not beyond the window") {
  const std::string part = random_bytes(1'000);
  for (const std::size_t gap : {0U, 1U, 14'000U, 15'384U, 15'385U, 60'000U}) {
    CAPTURE(gap);
    const std::string bytes = part + std::string(gap, '.') + part;
    const std::string packed = gzip(bytes);
    CHECK(unpack(packed) == bytes);
    CHECK((packed.size() < 1'500) == (gap < 15'385));
  }
}

}  // namespace edgepost::https
