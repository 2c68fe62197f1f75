#include "edgepost/sim/disk.hpp"

#include <doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <set>
#include <string_view>
#include <vector>

using namespace edgepost;
using sim::CutPolicy;
using sim::Disk;
using sim::DiskImage;
using sim::Fault;
using sim::Repeat;

namespace {

constexpr const char* kFile = "/data/a.db";
constexpr const char* kLog = "/data/a.db-wal";

// A file on a simulated disk, reached as SQLite reaches it.
class Opened {
 public:
  Opened(const Disk& disk, const char* path, int type)
      : vfs_(sqlite3_vfs_find(disk.name().c_str())),
        storage_(static_cast<std::size_t>(vfs_->szOsFile) / sizeof(std::max_align_t) + 1) {
    rc = vfs_->xOpen(vfs_, path, file(), type, nullptr);
  }
  ~Opened() {
    if (file()->pMethods != nullptr) io().xClose(file());
  }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;

  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(storage_.data()); }
  const sqlite3_io_methods& io() { return *file()->pMethods; }
  int write(std::string_view bytes, sqlite3_int64 at = 0) {
    return io().xWrite(file(), bytes.data(), static_cast<int>(bytes.size()), at);
  }
  int sync() { return io().xSync(file(), SQLITE_SYNC_NORMAL); }
  int truncate(sqlite3_int64 size) { return io().xTruncate(file(), size); }
  int lock(int level) { return io().xLock(file(), level); }
  int unlock(int level) { return io().xUnlock(file(), level); }
  int read(char* to, int size) { return io().xRead(file(), to, size, 0); }
  int lock_shared_memory(int first, int count, int flags) {
    return io().xShmLock(file(), first, count, flags);
  }
  void volatile* map(int region, bool makes = true) {
    void volatile* memory = nullptr;
    CHECK(io().xShmMap(file(), region, 32 * 1024, makes ? 1 : 0, &memory) == SQLITE_OK);
    return memory;
  }

  int rc = SQLITE_OK;

 private:
  sqlite3_vfs* vfs_;
  std::vector<std::max_align_t> storage_;
};

struct OnDisk {
  explicit OnDisk(const sim::DiskOptions& options = {}) : disk(options) {}

  std::unique_ptr<Opened> open_file() { return open(kFile, SQLITE_OPEN_MAIN_DB); }
  std::unique_ptr<Opened> open_log() { return open(kLog, SQLITE_OPEN_WAL); }
  std::unique_ptr<Opened> open(const char* path, int type) {
    constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    return std::make_unique<Opened>(disk, path, type | kFlags);
  }

  int remove(const char* path, bool with_directory) {
    sqlite3_vfs* vfs = sqlite3_vfs_find(disk.name().c_str());
    return vfs->xDelete(vfs, path, with_directory ? 1 : 0);
  }

  void cut(CutPolicy policy, std::uint64_t seed = 1) {
    disk.cut_power({policy, seed});
    disk.power_on();
  }

  // A file whose name and first content are on the medium.
  std::unique_ptr<Opened> settled(std::string_view content) {
    auto file = open_log();
    CHECK(file->write(content) == SQLITE_OK);
    CHECK(file->sync() == SQLITE_OK);
    return file;
  }

  // What different seeds make of `content` that was written and not synced.
  std::set<std::string> outcomes(CutPolicy policy, std::string_view before,
                                 std::string_view content) {
    std::set<std::string> found;
    for (std::uint64_t seed = 0; seed < 64; ++seed) {
      disk.restore({});
      auto log = settled(before);
      log->write(content);
      cut(policy, seed);
      found.insert(disk.image().at(kLog));
    }
    return found;
  }

  Disk disk;
};

}  // namespace

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

TEST_CASE_FIXTURE(OnDisk, "disk: locks among the openers of a file are SQLite's") {
  auto a = open_file();
  auto b = open_file();
  CHECK(a->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(a->lock(SQLITE_LOCK_RESERVED) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_RESERVED) == SQLITE_BUSY);
  int is_reserved = 0;
  CHECK(b->io().xCheckReservedLock(b->file(), &is_reserved) == SQLITE_OK);
  CHECK(is_reserved == 1);
  CHECK(a->lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_BUSY);  // b still reads, nobody new may
  CHECK(open_file()->lock(SQLITE_LOCK_SHARED) == SQLITE_BUSY);
  CHECK(b->unlock(SQLITE_LOCK_NONE) == SQLITE_OK);
  CHECK(a->lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_BUSY);
  a.reset();
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
}

TEST_CASE_FIXTURE(OnDisk, "disk: shared memory is seen by all and gone with the last") {
  auto a = open_file();
  auto b = open_file();
  CHECK((a->map(1, false) == nullptr));
  *static_cast<char volatile*>(a->map(0)) = 'x';
  CHECK(*static_cast<char volatile*>(b->map(0)) == 'x');
  a->io().xShmUnmap(a->file(), 0);
  CHECK(*static_cast<char volatile*>(b->map(0)) == 'x');
  b->io().xShmUnmap(b->file(), 0);
  CHECK(*static_cast<char volatile*>(b->map(0)) == 0);
}

TEST_CASE_FIXTURE(OnDisk, "disk: locks in shared memory are one or many, slot by slot") {
  constexpr int kShared = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
  constexpr int kExclusive = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
  auto a = open_file();
  auto b = open_file();
  a->map(0);
  b->map(0);
  CHECK(a->lock_shared_memory(3, 1, kShared) == SQLITE_OK);
  CHECK(b->lock_shared_memory(3, 1, kShared) == SQLITE_OK);
  CHECK(b->lock_shared_memory(2, 2, kExclusive) == SQLITE_BUSY);
  CHECK(b->lock_shared_memory(4, 2, kExclusive) == SQLITE_OK);
  CHECK(a->lock_shared_memory(5, 1, kShared) == SQLITE_BUSY);
  CHECK(b->lock_shared_memory(4, 2, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_OK);
  CHECK(a->lock_shared_memory(5, 1, kExclusive) == SQLITE_OK);
}
