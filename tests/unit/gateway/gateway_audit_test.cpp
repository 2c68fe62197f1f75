#include "gateway_audit.hpp"

#include <doctest.h>

#include <string>
#include <thread>
#include <utility>

#include "support/gateway_fixture.hpp"

using namespace edgepost;

namespace {

std::vector<std::uint64_t> numbers(const AuditRing& ring) {
  std::vector<std::uint64_t> numbers;
  for (const AuditEntry& entry : ring.entries())
    numbers.push_back(entry.number);
  return numbers;
}

}  // namespace

TEST_CASE("audit: the newest rows are kept, oldest first") {
  AuditRing ring(3);
  using Numbers = std::vector<std::uint64_t>;
  CHECK(numbers(ring).empty());
  ring.add({.what = "connect"});
  ring.add({.what = "send"});
  CHECK(numbers(ring) == Numbers{1, 2});
  CHECK(ring.entries().front().what == "connect");
  for (int i = 0; i < 3; ++i)
    ring.add({.what = "send"});
  CHECK(numbers(ring) == Numbers{3, 4, 5});
  CHECK(ring.count() == 5);
}

TEST_CASE("audit: a ring without rows only counts") {
  AuditRing ring(0);
  ring.add({.what = "send"});
  CHECK(ring.entries().empty());
  CHECK(ring.count() == 1);
}

TEST_CASE("audit: what the other side says takes no more than its place") {
  AuditRing ring(1);
  ring.add({.detail = std::string(100'000, 'x')});
  CHECK(ring.entries().front().detail == std::string(256, 'x'));
}

TEST_CASE("audit: uplinks write to it while others read") {
  AuditRing ring(8);
  std::thread writer([&ring] {
    for (int i = 0; i < 1'000; ++i)
      ring.add({.uplink = "a"});
  });
  for (int i = 0; i < 1'000; ++i) {
    ring.add({.uplink = "b"});
    CHECK(ring.entries().size() <= 8);
  }
  writer.join();
  CHECK(ring.count() == 2'000);
  CHECK(numbers(ring) ==
        std::vector<std::uint64_t>{1993, 1994, 1995, 1996, 1997, 1998, 1999, 2000});
}

TEST_CASE_FIXTURE(test::GatewayFixture, "audit: without uplinks there is nothing in it") {
  CHECK(open().audit().empty());
}
