#include "store/reserve.hpp"

#include <doctest.h>

#include "edgepost/sim/disk.hpp"

using namespace edgepost;
using edgepost::store::Connection;
using edgepost::store::Reserve;

namespace {

struct ReserveFixture {
  ReserveFixture() : database(open()) {}

  Connection open() {
    auto opened = Connection::open("/r.db", disk.name(), Connection::Mode::read_write);
    REQUIRE(opened.is_ok());
    return std::move(*opened);
  }
  std::size_t size() { return disk.image()["/r.db-reserve"].size(); }

  sim::Disk disk;
  Connection database;
};

}  // namespace

TEST_CASE_FIXTURE(ReserveFixture, "reserve: it takes the room it was asked for, also after a cut") {
  Reserve reserve(database, 100'000);
  CHECK(reserve.is_missing());
  REQUIRE(reserve.make().is_ok());
  CHECK_FALSE(reserve.is_missing());
  disk.cut_power({.policy = sim::CutPolicy::drop_all});
  disk.power_on();
  CHECK(size() == 100'000);
}

TEST_CASE_FIXTURE(ReserveFixture, "reserve: one that is there is not written again") {
  REQUIRE(Reserve(database, 100'000).make().is_ok());
  disk.set_capacity(1);
  CHECK(Reserve(database, 100'000).make().is_ok());
  CHECK(Reserve(database, 90'000).make().code() == Code::full);
}

TEST_CASE_FIXTURE(ReserveFixture, "reserve: what was given up leaves its room to others") {
  Reserve reserve(database, 100'000);
  REQUIRE(reserve.make().is_ok());
  CHECK(reserve.release());
  CHECK(reserve.is_missing());
  CHECK(disk.image().count("/r.db-reserve") == 0);
  CHECK_FALSE(reserve.release());
}

TEST_CASE_FIXTURE(ReserveFixture, "reserve: a disk too small for it keeps none of it") {
  disk.set_capacity(50'000);
  Reserve reserve(database, 100'000);
  CHECK(reserve.make().code() == Code::full);
  CHECK(reserve.is_missing());
  CHECK(disk.image().count("/r.db-reserve") == 0);
}

TEST_CASE_FIXTURE(ReserveFixture, "reserve: a disk that fails is io_error") {
  Reserve reserve(database, 100'000);
  disk.fail_at(disk.calls() + 2, sim::Fault::io_error, sim::Repeat::forever);
  CHECK(reserve.make().code() == Code::io_error);
}

TEST_CASE_FIXTURE(ReserveFixture, "reserve: none is asked for") {
  Reserve reserve(database, 0);
  CHECK_FALSE(reserve.is_missing());
  CHECK(reserve.make().is_ok());
  CHECK(disk.image().count("/r.db-reserve") == 0);
}
