#pragma once

#include <sqlite3.h>

#include <string>

namespace edgepost::test {

/// A planted bug: an SQLite VFS in front of a simulated disk that syncs no commit. As under
/// synchronous=NORMAL, the write-ahead log is synced only before its content goes into the
/// database file.
/// Must outlive: every database opened through it; the disk behind it must outlive this.
class NormalDisk {
 public:
  explicit NormalDisk(const std::string& behind);
  ~NormalDisk();
  NormalDisk(const NormalDisk&) = delete;
  NormalDisk& operator=(const NormalDisk&) = delete;

  /// For Platform::vfs.
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  // The methods of the disk behind, some of them replaced.
  struct Methods : sqlite3_io_methods {
    const sqlite3_io_methods* real;
    NormalDisk* owner;
  };
  struct Vfs : sqlite3_vfs {
    sqlite3_vfs* real;
    NormalDisk* owner;
  };

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* granted);
  static const Methods& of(sqlite3_file* file);
  static int forget_sync(sqlite3_file* log, int flags);
  static int close_log(sqlite3_file* log);
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at);

  std::string name_;
  Vfs vfs_{};
  Methods log_methods_{};
  Methods file_methods_{};
  sqlite3_file* unsynced_log_ = nullptr;
};

}  // namespace edgepost::test
