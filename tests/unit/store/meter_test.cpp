#include "store/meter.hpp"

#include <doctest.h>
#include <sys/stat.h>

#include "store/connection.hpp"
#include "support/gateway_fixture.hpp"
#include "support/temp_dir.hpp"
#include "support/watched_disk.hpp"

using namespace edgepost;
using edgepost::store::Meter;
using edgepost::test::GatewayFixture;

TEST_CASE("meter: it counts what arrives at the disk behind it") {
  const test::TempDir dir;
  test::WatchedDisk disk;
  auto meter = Meter::make(disk.name());
  REQUIRE(meter.is_ok());
  auto database = store::Connection::open(dir.file("m.db"), (*meter)->name(),
                                          store::Connection::Mode::read_write);
  REQUIRE(database.is_ok());
  REQUIRE(database
              ->run("PRAGMA journal_mode=WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1);"
                    "PRAGMA wal_checkpoint")
              .is_ok());
  CHECK((*meter)->bytes() > 4096);
  CHECK((*meter)->bytes() == disk.written_bytes);
  CHECK((*meter)->syncs() > 0);
  CHECK((*meter)->syncs() == disk.syncs);
}

TEST_CASE("meter: each has a name of its own, and none when it is gone") {
  std::string name;
  {
    const auto one = Meter::make({});
    const auto two = Meter::make({});
    CHECK((*one)->name() != (*two)->name());
    name = (*one)->name();
    CHECK(sqlite3_vfs_find(name.c_str()) != nullptr);
  }
  CHECK(sqlite3_vfs_find(name.c_str()) == nullptr);
}

TEST_CASE("meter: a disk that is not there is io_error") {
  CHECK(Meter::make("no such disk").status().code() == Code::io_error);
}

TEST_CASE("meter: a disk without shared memory keeps no log") {
  const test::TempDir dir;
  auto meter = Meter::make("unix-dotfile");
  REQUIRE(meter.is_ok());
  auto database = store::Connection::open(dir.file("m.db"), (*meter)->name(),
                                          store::Connection::Mode::read_write);
  REQUIRE(database.is_ok());
  CHECK(database->run("PRAGMA journal_mode=WAL").is_ok());
  CHECK(*database->integer("SELECT journal_mode='wal' FROM pragma_journal_mode") == 0);
}

TEST_CASE_FIXTURE(GatewayFixture, "meter: the status tells what the database costs its disk") {
  test::WatchedDisk disk;
  options.platform.vfs = disk.name();
  open();
  const WriteStatus before = gateway->status().writes;
  const std::uint64_t syncs = disk.syncs;
  publish_many(1, 10);
  const WriteStatus after = gateway->status().writes;
  CHECK(after.commits == before.commits + 10);
  CHECK(after.events == before.events + 10);
  CHECK(after.bytes == disk.written_bytes);
  CHECK(after.syncs == before.syncs + disk.syncs - syncs);
  const WriteStatus seen = [&] {
    GatewayOptions beside = options;
    beside.access = Access::read;
    return (*Gateway::open(beside))->status().writes;
  }();
  CHECK(seen.commits == after.commits);
  CHECK(seen.syncs == after.syncs);
  close();
}

TEST_CASE_FIXTURE(GatewayFixture, "meter: nobody else may read the files of a database [P-63]") {
  open();
  publish("a");
  for (const char* suffix : {"", "-wal", "-shm", "-owner"}) {
    struct stat found {};
    INFO(suffix);
    REQUIRE(::stat((options.database + suffix).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600U);
  }
}
