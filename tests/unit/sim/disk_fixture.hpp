#pragma once

#include <doctest.h>
#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/sim/disk.hpp"

namespace edgepost::test {

inline constexpr const char* kFile = "/data/a.db";
inline constexpr const char* kLog = "/data/a.db-wal";

/// A file on a simulated disk, reached as SQLite reaches it.
class Opened {
 public:
  Opened(const sim::Disk& disk, const char* path, int type)
      : vfs_(sqlite3_vfs_find(disk.name().c_str())),
        storage_(static_cast<std::size_t>(vfs_->szOsFile) / sizeof(std::max_align_t) + 1) {
    rc = vfs_->xOpen(vfs_, path, file(), type, &granted);
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
  int granted = 0;

 private:
  sqlite3_vfs* vfs_;
  std::vector<std::max_align_t> storage_;
};

/// A simulated disk and what SQLite does with it.
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

  void cut(sim::CutPolicy policy, std::uint64_t seed = 1) {
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
  std::set<std::string> outcomes(sim::CutPolicy policy, std::string_view before,
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

  sim::Disk disk;
};

}  // namespace edgepost::test
