#include "edgepost/sim/allocator.hpp"

#include <doctest.h>
#include <sqlite3.h>

#include <cstdint>
#include <cstring>
#include <string>

#include "support/gateway_fixture.hpp"

using namespace edgepost;
using sim::Allocator;
using sim::Repeat;
using sim::SqliteMemory;

TEST_CASE("allocator: what is in use is counted, and the most that ever was") {
  Allocator memory;
  void* const a = memory.allocate(100);
  void* const b = memory.allocate(50);
  CHECK(memory.live_bytes() == 150);
  memory.release(a);
  CHECK(memory.live_bytes() == 50);
  CHECK(memory.high_water_bytes() == 150);
  memory.begin_high_water();
  CHECK(memory.high_water_bytes() == 50);
  memory.release(b);
  memory.release(nullptr);
  CHECK(memory.live_bytes() == 0);
  CHECK(memory.requests() == 2);
}

TEST_CASE("allocator: a block that grows keeps its content and its alignment") {
  Allocator memory;
  void* block = memory.allocate(4);
  std::memcpy(block, "abc", 4);
  block = memory.reallocate(block, 100'000);
  CHECK(Allocator::size_of(block) == 100'000);
  CHECK(std::memcmp(block, "abc", 4) == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
  CHECK(memory.live_bytes() == 100'000);
  memory.release(block);
}

TEST_CASE("allocator: a request fails once, or all do until that is cleared") {
  Allocator memory;
  memory.fail_at(1);
  void* block = memory.allocate(1);
  CHECK(memory.reallocate(block, 2) == nullptr);
  CHECK(Allocator::size_of(block) == 1);
  memory.release(memory.allocate(1));
  memory.fail_at(memory.requests(), Repeat::forever);
  CHECK(memory.allocate(1) == nullptr);
  CHECK(memory.allocate(1) == nullptr);
  memory.clear_faults();
  CHECK(memory.failures() == 3);
  memory.release(memory.reallocate(block, 2));
  CHECK(memory.live_bytes() == 0);
}

TEST_CASE("sqlite memory: SQLite takes all its memory there and gives all of it back") {
  Allocator memory;
  {
    const SqliteMemory installed(memory);
    test::GatewayFixture fixture;
    fixture.open();
    fixture.publish("a");
    CHECK(memory.live_bytes() > 10'000);
    memory.fail_at(memory.requests(), Repeat::forever);
    const std::string large(200'000, 'b');
    CHECK_FALSE(fixture.gateway->publish({.topic = "a", .data = large}).is_ok());
    CHECK(memory.failures() > 0);
    memory.clear_faults();
    fixture.publish("c");
  }
  CHECK(memory.live_bytes() == 0);
}

TEST_CASE("sqlite memory: SQLite has its own again afterwards") {
  Allocator memory;
  { const SqliteMemory installed(memory); }
  const std::uint64_t requests = memory.requests();
  test::GatewayFixture fixture;
  fixture.open();
  CHECK(memory.requests() == requests);
}
