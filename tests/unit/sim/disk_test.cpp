#include "edgepost/sim/disk.hpp"

#include <doctest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "unit/sim/disk_fixture.hpp"

using namespace edgepost;
using sim::CutPolicy;
using sim::DiskImage;
using sim::Fault;
using sim::Repeat;
using test::kFile;
using test::kLog;
using test::OnDisk;

TEST_CASE_FIXTURE(OnDisk, "disk: what was synced survives a power cut") {
  auto log = settled("synced");
  log->write("lost", 6);
  CHECK(disk.image().at(kLog) == "syncedlost");
  cut(CutPolicy::drop_all);
  CHECK(disk.image() == DiskImage{{kLog, "synced"}});
}

TEST_CASE_FIXTURE(OnDisk, "disk: a process that dies takes nothing along") {
  open_file()->write("not synced");
  cut(CutPolicy::keep_all);
  CHECK(disk.image() == DiskImage{{kFile, "not synced"}});
}

TEST_CASE_FIXTURE(OnDisk, "disk: a new name is lost until its directory is synced") {
  auto file = open_file();
  file->write("x");
  file->sync();  // as on Linux: a database file does not sync its directory
  auto elsewhere = open("/other/b.db-wal", SQLITE_OPEN_WAL);
  elsewhere->sync();
  cut(CutPolicy::drop_all);
  CHECK(disk.image() == DiskImage{{"/other/b.db-wal", ""}});

  disk.restore({});
  file = open_file();
  file->write("x");
  file->sync();
  open_log()->sync();
  cut(CutPolicy::drop_all);
  CHECK(disk.image() == DiskImage{{kFile, "x"}, {kLog, ""}});
}

TEST_CASE_FIXTURE(OnDisk, "disk: a deleted name comes back unless its directory was synced") {
  settled("old").reset();
  CHECK(remove(kLog, false) == SQLITE_OK);
  CHECK(remove(kLog, false) == SQLITE_IOERR_DELETE_NOENT);
  cut(CutPolicy::drop_all);
  CHECK(disk.image() == DiskImage{{kLog, "old"}});
  CHECK(remove(kLog, true) == SQLITE_OK);
  cut(CutPolicy::drop_all);
  CHECK(disk.image().empty());
}

TEST_CASE_FIXTURE(OnDisk, "disk: a truncation is taken back unless it was synced") {
  auto log = settled("long content");
  log->truncate(4);
  CHECK(disk.image().at(kLog) == "long");
  cut(CutPolicy::drop_all);
  CHECK(disk.image().at(kLog) == "long content");
}

TEST_CASE_FIXTURE(OnDisk, "disk: a random cut keeps or drops each sector") {
  const std::string before(1024, 'a');
  const std::string a(512, 'a');
  const std::string b(512, 'b');
  CHECK(outcomes(CutPolicy::random, before, std::string(1024, 'b')) ==
        std::set<std::string>{a + a, a + b, b + a, b + b});
}

TEST_CASE("disk: sectors of 4,096 bytes are kept or dropped whole") {
  OnDisk large({.sector_bytes = 4096});
  const std::string before(4096, 'a');
  const std::string after(4096, 'b');
  CHECK(large.outcomes(CutPolicy::random, before, after) == std::set<std::string>{before, after});
}

TEST_CASE_FIXTURE(OnDisk, "disk: a torn write ends early") {
  const std::string before(512, 'a');
  const auto found = outcomes(CutPolicy::torn, before, std::string(512, 'b'));
  CHECK(found.size() > 10);
  for (const std::string& content : found) {
    const auto torn_at = static_cast<std::size_t>(std::count(content.begin(), content.end(), 'b'));
    CHECK(content == std::string(torn_at, 'b') + std::string(512 - torn_at, 'a'));
  }
}

TEST_CASE_FIXTURE(OnDisk, "disk: garbage stands in the range that was not synced only") {
  const auto found = outcomes(CutPolicy::garbage, "synced....synced", std::string("syncedBBBB"));
  CHECK(found.size() > 10);
  for (const std::string& content : found) {
    CHECK(content.size() == 16);
    CHECK(content.substr(10) == "synced");
  }
}

TEST_CASE_FIXTURE(OnDisk, "disk: the same seed cuts in the same way") {
  const auto once = outcomes(CutPolicy::garbage, "before", "after..");
  CHECK(outcomes(CutPolicy::garbage, "before", "after..") == once);
}

TEST_CASE_FIXTURE(OnDisk, "disk: after a cut old files are dead and new ones work") {
  auto log = settled("content");
  disk.cut_power({});
  CHECK_FALSE(disk.is_on());
  CHECK(open_file()->rc == SQLITE_CANTOPEN);
  disk.power_on();
  std::array<char, 7> to{};
  CHECK(log->read(to.data(), 7) == SQLITE_IOERR_READ);
  CHECK(log->write("x") == SQLITE_IOERR_WRITE);
  CHECK(log->sync() == SQLITE_IOERR_FSYNC);
  CHECK(log->lock(SQLITE_LOCK_SHARED) == SQLITE_IOERR_LOCK);
  CHECK(open_log()->read(to.data(), 7) == SQLITE_OK);
  CHECK(std::string_view(to.data(), 7) == "content");
}

TEST_CASE_FIXTURE(OnDisk, "disk: a planned cut strikes its call before that does anything") {
  auto log = settled("content");
  disk.cut_power_at(disk.calls() + 1, {CutPolicy::keep_all, 1});
  CHECK(log->write("1") == SQLITE_OK);
  CHECK(log->write("2") == SQLITE_IOERR_WRITE);
  CHECK_FALSE(disk.is_on());
  CHECK(disk.struck() == std::string("write ") + kLog);
  CHECK(disk.image().at(kLog) == "1ontent");
}

TEST_CASE_FIXTURE(OnDisk, "disk: a fault strikes once or until it is cleared") {
  auto file = open_file();
  disk.fail_at(disk.calls(), Fault::io_error);
  CHECK(file->write("x") == SQLITE_IOERR_WRITE);
  CHECK(file->write("x") == SQLITE_OK);
  disk.fail_at(disk.calls() + 1, Fault::io_error, Repeat::forever);
  CHECK(file->write("x") == SQLITE_OK);
  CHECK(file->write("x") == SQLITE_IOERR_WRITE);
  CHECK(file->truncate(0) == SQLITE_IOERR_TRUNCATE);
  disk.clear_faults();
  CHECK(file->truncate(0) == SQLITE_OK);
}

TEST_CASE_FIXTURE(OnDisk, "disk: a full disk refuses writes and new files, and can be read") {
  auto file = open_file();
  file->write("12345678");
  disk.fail_at(disk.calls(), Fault::full, Repeat::forever);
  std::array<char, 8> to{};
  CHECK(file->write("x") == SQLITE_FULL);
  CHECK(file->read(to.data(), 8) == SQLITE_OK);
  CHECK(open_log()->rc == SQLITE_CANTOPEN);
  CHECK(file->truncate(6) == SQLITE_OK);
  CHECK(disk.struck() == std::string("write ") + kFile);  // first of all
  CHECK(disk.struck_call() == 2);
  disk.fail_at(disk.calls(), Fault::short_write);
  CHECK(file->write("abcd") == SQLITE_FULL);
  CHECK(disk.image().at(kFile) == "ab3456");
}

TEST_CASE("disk: its capacity is for all files together") {
  OnDisk small({.capacity_bytes = 10});
  auto file = small.open_file();
  auto log = small.open_log();
  CHECK(file->write("12345678") == SQLITE_OK);
  CHECK(log->write("123") == SQLITE_FULL);
  CHECK(log->write("12") == SQLITE_OK);
  CHECK(file->write("9", 8) == SQLITE_FULL);
  CHECK(file->truncate(9) == SQLITE_FULL);
  CHECK(file->write("ABCDEFGH") == SQLITE_OK);  // within the file
  CHECK(small.disk.image() == DiskImage{{kFile, "ABCDEFGH"}, {kLog, "12"}});
}

TEST_CASE("disk: what is deleted or cut off gives room back") {
  OnDisk small({.capacity_bytes = 10});
  auto file = small.open_file();
  file->write("1234567890");
  CHECK(small.open_log()->write("x") == SQLITE_FULL);
  CHECK(file->truncate(9) == SQLITE_OK);
  CHECK(small.open_log()->write("x") == SQLITE_OK);
  CHECK(small.remove(kLog, false) == SQLITE_OK);
  CHECK(file->write("x", 9) == SQLITE_OK);
  small.disk.set_capacity(0);
  CHECK(file->write("x", 100) == SQLITE_OK);
}

TEST_CASE_FIXTURE(OnDisk, "disk: one that can only be read opens files for reading alone") {
  auto file = open_file();
  file->write("content");
  disk.fail_at(disk.calls(), Fault::read_only, Repeat::forever);
  std::array<char, 7> to{};
  CHECK(file->read(to.data(), 7) == SQLITE_OK);
  CHECK(file->write("x") == SQLITE_IOERR_WRITE);
  CHECK(file->truncate(0) == SQLITE_IOERR_TRUNCATE);
  CHECK(remove(kFile, false) == SQLITE_IOERR_DELETE);
  CHECK(open_log()->rc == SQLITE_CANTOPEN);
  CHECK(open_file()->granted == (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READONLY));
  disk.clear_faults();
  CHECK(open_file()->granted == (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
}

TEST_CASE_FIXTURE(OnDisk, "disk: a short read sees half of what is there") {
  auto file = open_file();
  file->write("content!");
  disk.fail_at(disk.calls(), Fault::short_read);
  std::array<char, 8> to{};
  CHECK(file->read(to.data(), 8) == SQLITE_IOERR_SHORT_READ);
  CHECK(std::string_view(to.data(), 8) == std::string_view("cont\0\0\0\0", 8));
  CHECK(file->read(to.data(), 8) == SQLITE_OK);
}

TEST_CASE_FIXTURE(OnDisk, "disk: a sync that failed has forgotten what it did not write") {
  std::set<std::string> found;
  for (int i = 0; i < 32; ++i) {
    disk.restore({});
    auto log = settled("old");
    log->write("new");
    disk.fail_at(disk.calls(), Fault::io_error);
    CHECK(log->sync() == SQLITE_IOERR_FSYNC);
    CHECK(log->sync() == SQLITE_OK);
    CHECK(disk.image().at(kLog) == "new");
    cut(CutPolicy::drop_all);
    found.insert(disk.image().at(kLog));
  }
  CHECK(found == std::set<std::string>{"old", "new"});
}

TEST_CASE("disk: a lying disk syncs nothing") {
  OnDisk lying({.syncs = false});
  lying.settled("content");
  lying.cut(CutPolicy::drop_all);
  CHECK(lying.disk.image().empty());
}

TEST_CASE("disk: a disk that forgets directories loses new files only") {
  OnDisk forgetful({.syncs_directories = false});
  forgetful.disk.restore({{kFile, ""}});
  auto file = forgetful.open_file();
  file->write("x");
  file->sync();
  forgetful.settled("content");
  forgetful.cut(CutPolicy::drop_all);
  CHECK(forgetful.disk.image() == DiskImage{{kFile, "x"}});
}

TEST_CASE_FIXTURE(OnDisk, "disk: an old image can be brought back") {
  settled("old").reset();
  const DiskImage old = disk.image();
  auto log = open_log();
  log->write("new");
  disk.restore(old);
  CHECK(log->write("dead") == SQLITE_IOERR_WRITE);
  cut(CutPolicy::drop_all);
  CHECK(disk.image() == old);
}

TEST_CASE_FIXTURE(OnDisk, "disk: bits rot where they are told to") {
  settled("abc");
  CHECK(disk.flip(kLog, 1, 0x03).is_ok());
  CHECK(disk.image().at(kLog) == "aac");
  CHECK(disk.flip(kLog, 3, 0x03).code() == Code::invalid_argument);
  CHECK(disk.flip("/none", 0, 1).code() == Code::not_found);
}
