#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace edgepost::test {

/// The real disk with a witness: an SQLite VFS that hands everything to the default one, counts
/// what is written and synced, and can refuse to write as a full disk does.
/// Must outlive: every database opened through it.
class WatchedDisk {
 public:
  WatchedDisk();
  ~WatchedDisk();
  WatchedDisk(const WatchedDisk&) = delete;
  WatchedDisk& operator=(const WatchedDisk&) = delete;

  /// For Platform::vfs.
  [[nodiscard]] const std::string& name() const { return name_; }

  std::atomic<std::uint64_t> writes = 0;  ///< Calls of write and truncate.
  std::atomic<std::uint64_t> written_bytes = 0;
  std::atomic<std::uint64_t> syncs = 0;
  /// Called before each write, on the writing thread.
  std::function<void()> on_write;
  /// This many writes still succeed; after them the disk is full. Negative: never full.
  std::atomic<std::int64_t> writes_left = -1;

 private:
  std::string name_;
  sqlite3_vfs vfs_{};
};

}  // namespace edgepost::test
