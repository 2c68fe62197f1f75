#pragma once

#include <sqlite3.h>

#include <array>
#include <string>

namespace edgepost::test {

/// An SQLite VFS in front of a simulated disk, for planting bugs: it passes everything on, and who
/// derives from it does some of it wrong.
/// Must outlive: every database opened through it; the disk behind it must outlive this.
class DiskDouble {
 public:
  explicit DiskDouble(const std::string& behind);
  virtual ~DiskDouble();
  DiskDouble(const DiskDouble&) = delete;
  DiskDouble& operator=(const DiskDouble&) = delete;

  /// For Platform::vfs.
  [[nodiscard]] const std::string& name() const { return name_; }

 protected:
  /// What a file is for.
  enum class Kind : unsigned char { database, log, other };

  /// An open file, as SQLite has it, and what the disk behind does with it.
  struct File {
    sqlite3_file* file;
    const sqlite3_io_methods* real;
    Kind kind;

    int read(void* to, int size, sqlite3_int64 at) const { return real->xRead(file, to, size, at); }
    int write(const void* from, int size, sqlite3_int64 at) const {
      return real->xWrite(file, from, size, at);
    }
    int sync() const { return real->xSync(file, SQLITE_SYNC_NORMAL); }
  };

  virtual int read(const File& file, void* to, int size, sqlite3_int64 at) {
    return file.read(to, size, at);
  }
  virtual int write(const File& file, const void* from, int size, sqlite3_int64 at) {
    return file.write(from, size, at);
  }
  virtual int sync(const File& file) { return file.sync(); }
  /// A file is about to be closed.
  virtual void closing(const File&) {}

 private:
  // The methods of the disk behind, some of them replaced.
  struct Methods : sqlite3_io_methods {
    const sqlite3_io_methods* real;
    DiskDouble* owner;
    Kind kind;
  };
  struct Vfs : sqlite3_vfs {
    sqlite3_vfs* real;
    DiskDouble* owner;
  };

  static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* granted);
  static const Methods& of(sqlite3_file* file);
  static File named(sqlite3_file* file);

  std::string name_;
  Vfs vfs_{};
  std::array<Methods, 3> methods_{};
};

}  // namespace edgepost::test
