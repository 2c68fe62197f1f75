#include "base/ids.hpp"

#include <doctest.h>

#include <chrono>
#include <cstddef>
#include <set>
#include <span>
#include <string>

using edgepost::EventId;
using edgepost::IdSource;
using edgepost::Timestamp;

namespace {

// Counts up, so that each call gives other bytes; the use asked for is kept.
class CountingRandom final : public edgepost::Random {
 public:
  void fill(edgepost::RandomUse use, std::span<std::byte> out) override {
    ++calls;
    last_use = use;
    for (std::byte& byte : out)
      byte = static_cast<std::byte>(next++ % 251);
  }

  int calls = 0;
  unsigned next = 0;
  edgepost::RandomUse last_use = edgepost::RandomUse::jitter;
};

constexpr Timestamp kNow{std::chrono::milliseconds(0x0123456789AB) +
                         std::chrono::microseconds(999)};

}  // namespace

TEST_CASE("ids: an id is the milliseconds, version 7, the variant and random bits") {
  CountingRandom random;
  IdSource ids(random);
  CHECK(ids.next(kNow).to_string() == "01234567-89ab-7001-8203-040506070809");
  CHECK(ids.next(kNow).to_string() == "01234567-89ab-7a0b-8c0d-0e0f10111213");
  CHECK(random.last_use == edgepost::RandomUse::ids);
}

TEST_CASE("ids: later milliseconds make greater ids") {
  CountingRandom random;
  IdSource ids(random);
  const EventId earlier = ids.next(kNow);
  CHECK(earlier < ids.next(kNow + std::chrono::milliseconds(1)));
}

TEST_CASE("ids: a clock that stands still or lies before 1970 repeats no id") {
  CountingRandom random;
  IdSource ids(random);
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    seen.insert(ids.next(kNow).to_string());
    const std::string unset = ids.next(Timestamp(std::chrono::hours(-1))).to_string();
    CHECK(unset.starts_with("00000000-0000-7"));
    seen.insert(unset);
  }
  CHECK(seen.size() == 200);
}

TEST_CASE("ids: the random source is asked once for 32 ids") {
  CountingRandom random;
  IdSource ids(random);
  for (int i = 0; i < 32; ++i)
    ids.next(kNow);
  CHECK(random.calls == 1);
  ids.next(kNow);
  CHECK(random.calls == 2);
}
