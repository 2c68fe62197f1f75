#include "sim/disk_double.hpp"

namespace edgepost::test {

DiskDouble::DiskDouble(const std::string& behind) : name_(behind + "-double") {
  sqlite3_vfs* real = sqlite3_vfs_find(behind.c_str());
  static_cast<sqlite3_vfs&>(vfs_) = *real;
  vfs_.real = real;
  vfs_.owner = this;
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  vfs_.xOpen = open;
  sqlite3_vfs_register(&vfs_, 0);
}

DiskDouble::~DiskDouble() { sqlite3_vfs_unregister(&vfs_); }

const DiskDouble::Methods& DiskDouble::of(sqlite3_file* file) {
  return *static_cast<const Methods*>(file->pMethods);
}

DiskDouble::File DiskDouble::named(sqlite3_file* file) {
  return {file, of(file).real, of(file).kind};
}

int DiskDouble::open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags,
                     int* granted) {
  const Vfs& ours = *static_cast<Vfs*>(vfs);
  const int rc = ours.real->xOpen(ours.real, path, file, flags, granted);
  if (file->pMethods == nullptr) return rc;
  const Kind kind = (flags & SQLITE_OPEN_WAL) != 0       ? Kind::log
                    : (flags & SQLITE_OPEN_MAIN_DB) != 0 ? Kind::database
                                                         : Kind::other;
  Methods& methods = ours.owner->methods_[static_cast<std::size_t>(kind)];
  static_cast<sqlite3_io_methods&>(methods) = *file->pMethods;
  methods.real = file->pMethods;
  methods.owner = ours.owner;
  methods.kind = kind;
  methods.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
    return of(f).owner->read(named(f), to, size, at);
  };
  methods.xWrite = [](sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
    return of(f).owner->write(named(f), from, size, at);
  };
  methods.xSync = [](sqlite3_file* f, int) { return of(f).owner->sync(named(f)); };
  methods.xClose = [](sqlite3_file* f) {
    of(f).owner->closing(named(f));
    return of(f).real->xClose(f);
  };
  file->pMethods = &methods;
  return rc;
}

}  // namespace edgepost::test
