#include "support/watched_disk.hpp"

#include <cstddef>
#include <cstring>

namespace edgepost::test {
namespace {

// One open file: ours in front, the default VFS's own behind it in the same allocation.
struct File {
  sqlite3_file base;
  WatchedDisk* disk;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File& of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
const sqlite3_io_methods& io(sqlite3_file* file) { return *of(file).real()->pMethods; }

bool takes_a_write(WatchedDisk& disk) {
  if (disk.writes_left == 0) return false;
  if (disk.writes_left > 0) --disk.writes_left;
  ++disk.writes;
  return true;
}

int close(sqlite3_file* f) { return io(f).xClose(of(f).real()); }
int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return io(f).xRead(of(f).real(), to, size, at);
}
int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  WatchedDisk& disk = *of(f).disk;
  if (!takes_a_write(disk)) return SQLITE_FULL;
  if (const auto called = disk.on_write) called();
  disk.written_bytes += static_cast<std::uint64_t>(size);
  return io(f).xWrite(of(f).real(), from, size, at);
}
int truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (!takes_a_write(*of(f).disk)) return SQLITE_FULL;
  return io(f).xTruncate(of(f).real(), size);
}
int sync(sqlite3_file* f, int flags) {
  ++of(f).disk->syncs;
  return io(f).xSync(of(f).real(), flags);
}
int file_size(sqlite3_file* f, sqlite3_int64* size) { return io(f).xFileSize(of(f).real(), size); }
int lock(sqlite3_file* f, int level) { return io(f).xLock(of(f).real(), level); }
int unlock(sqlite3_file* f, int level) { return io(f).xUnlock(of(f).real(), level); }
int check_reserved(sqlite3_file* f, int* out) {
  return io(f).xCheckReservedLock(of(f).real(), out);
}
int file_control(sqlite3_file* f, int op, void* arg) {
  return io(f).xFileControl(of(f).real(), op, arg);
}
int sector_size(sqlite3_file* f) { return io(f).xSectorSize(of(f).real()); }
int characteristics(sqlite3_file* f) { return io(f).xDeviceCharacteristics(of(f).real()); }
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return io(f).xShmMap(of(f).real(), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return io(f).xShmLock(of(f).real(), offset, n, flags);
}
void shm_barrier(sqlite3_file* f) { io(f).xShmBarrier(of(f).real()); }
int shm_unmap(sqlite3_file* f, int remove) { return io(f).xShmUnmap(of(f).real(), remove); }

constexpr sqlite3_io_methods kMethods = {2,
                                         close,
                                         read,
                                         write,
                                         truncate,
                                         sync,
                                         file_size,
                                         lock,
                                         unlock,
                                         check_reserved,
                                         file_control,
                                         sector_size,
                                         characteristics,
                                         shm_map,
                                         shm_lock,
                                         shm_barrier,
                                         shm_unmap,
                                         nullptr,
                                         nullptr};

int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* f, int flags, int* out) {
  File& file = of(f);
  std::memset(f, 0, sizeof(File));
  file.disk = static_cast<WatchedDisk*>(vfs->pAppData);
  sqlite3_vfs* real = sqlite3_vfs_find(nullptr);
  const int rc = real->xOpen(real, name, file.real(), flags, out);
  if (file.real()->pMethods != nullptr) file.base.pMethods = &kMethods;
  return rc;
}

}  // namespace

WatchedDisk::WatchedDisk() {
  sqlite3_initialize();
  static std::atomic<unsigned> count = 0;
  name_ = "watched-" + std::to_string(++count);
  vfs_ = *sqlite3_vfs_find(nullptr);
  vfs_.pNext = nullptr;
  vfs_.zName = name_.c_str();
  // The other methods of the default VFS use its own pAppData only in xOpen, which we call on it.
  vfs_.pAppData = this;
  vfs_.szOsFile += static_cast<int>(sizeof(File));
  vfs_.xOpen = open;
  sqlite3_vfs_register(&vfs_, 0);
}

WatchedDisk::~WatchedDisk() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace edgepost::test
