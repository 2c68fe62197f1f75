#include "sim/normal_disk.hpp"

#include <utility>

namespace edgepost::test {

NormalDisk::NormalDisk(const std::string& behind) : name_(behind + "-normal") {
  sqlite3_vfs* real = sqlite3_vfs_find(behind.c_str());
  static_cast<sqlite3_vfs&>(vfs_) = *real;
  vfs_.real = real;
  vfs_.owner = this;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.xOpen = open;
  sqlite3_vfs_register(&vfs_, 0);
}

NormalDisk::~NormalDisk() { sqlite3_vfs_unregister(&vfs_); }

int NormalDisk::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                     int* granted) {
  const Vfs& ours = *static_cast<Vfs*>(vfs);
  const int rc = ours.real->xOpen(ours.real, path, file, flags, granted);
  if (file->pMethods == nullptr) return rc;
  const bool is_log = (flags & SQLITE_OPEN_WAL) != 0;
  if (!is_log && (flags & SQLITE_OPEN_MAIN_DB) == 0) return rc;
  Methods& methods = is_log ? ours.owner->log_methods_ : ours.owner->file_methods_;
  static_cast<sqlite3_io_methods&>(methods) = *file->pMethods;
  methods.real = file->pMethods;
  methods.owner = ours.owner;
  if (is_log) {
    methods.xSync = forget_sync;
    methods.xClose = close_log;
  } else {
    methods.xWrite = write;
  }
  file->pMethods = &methods;
  return rc;
}

const NormalDisk::Methods& NormalDisk::of(sqlite3_file* file) {
  return *static_cast<const Methods*>(file->pMethods);
}

int NormalDisk::forget_sync(sqlite3_file* log, int) {
  of(log).owner->unsynced_log_ = log;
  return SQLITE_OK;
}

int NormalDisk::close_log(sqlite3_file* log) {
  const Methods& methods = of(log);
  if (methods.owner->unsynced_log_ == log) methods.owner->unsynced_log_ = nullptr;
  return methods.real->xClose(log);
}

int NormalDisk::write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  const Methods& methods = of(file);
  if (sqlite3_file* log = std::exchange(methods.owner->unsynced_log_, nullptr)) {
    if (const int rc = methods.real->xSync(log, SQLITE_SYNC_NORMAL); rc != SQLITE_OK) return rc;
  }
  return methods.real->xWrite(file, bytes, size, at);
}

}  // namespace edgepost::test
