#include "store/meter.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>

namespace edgepost::store {
namespace {

// An open file: ours in front, the real one behind it in the same allocation.
struct alignas(8) MeteredFile {  // as SQLite allocates them
  sqlite3_file base;
  Meter* meter;

  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

Meter& of(sqlite3_vfs* vfs) { return *static_cast<Meter*>(vfs->pAppData); }
MeteredFile& ours(sqlite3_file* file) {
  return *static_cast<MeteredFile*>(static_cast<void*>(file));
}
sqlite3_file* real(sqlite3_file* file) { return ours(file).real(); }
const sqlite3_io_methods& io(sqlite3_file* file) { return *real(file)->pMethods; }

int close(sqlite3_file* f) { return io(f).xClose(real(f)); }

int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return io(f).xRead(real(f), to, size, at);
}

int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  ours(f).meter->wrote(size);
  return io(f).xWrite(real(f), from, size, at);
}

int truncate(sqlite3_file* f, sqlite3_int64 size) { return io(f).xTruncate(real(f), size); }

int sync(sqlite3_file* f, int flags) {
  ours(f).meter->synced();
  return io(f).xSync(real(f), flags);
}

int file_size(sqlite3_file* f, sqlite3_int64* size) { return io(f).xFileSize(real(f), size); }
int lock(sqlite3_file* f, int level) { return io(f).xLock(real(f), level); }
int unlock(sqlite3_file* f, int level) { return io(f).xUnlock(real(f), level); }

int check_reserved(sqlite3_file* f, int* is_reserved) {
  return io(f).xCheckReservedLock(real(f), is_reserved);
}

int file_control(sqlite3_file* f, int what, void* argument) {
  return io(f).xFileControl(real(f), what, argument);
}

int sector_size(sqlite3_file* f) { return io(f).xSectorSize(real(f)); }
int characteristics(sqlite3_file* f) { return io(f).xDeviceCharacteristics(real(f)); }

int shm_map(sqlite3_file* f, int region, int size, int makes, void volatile** out) {
  return io(f).xShmMap(real(f), region, size, makes, out);
}

int shm_lock(sqlite3_file* f, int first, int count, int flags) {
  return io(f).xShmLock(real(f), first, count, flags);
}

void shm_barrier(sqlite3_file* f) { io(f).xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int removes) { return io(f).xShmUnmap(real(f), removes); }

// Version 3 would add memory-mapped pages, which the store does not use.
constexpr sqlite3_io_methods methods(int version) {
  return {version,         close,   read,     write,          truncate,     sync,
          file_size,       lock,    unlock,   check_reserved, file_control, sector_size,
          characteristics, shm_map, shm_lock, shm_barrier,    shm_unmap,    nullptr,
          nullptr};
}
constexpr sqlite3_io_methods kMethods = methods(2);
constexpr sqlite3_io_methods kWithoutSharedMemory = methods(1);

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* f, int flags, int* granted) {
  Meter& meter = of(vfs);
  MeteredFile& file = ours(f);
  file.base.pMethods = nullptr;
  file.meter = &meter;
  file.real()->pMethods = nullptr;
  const int rc = meter.real()->xOpen(meter.real(), path, file.real(), flags, granted);
  // SQLite closes whatever has methods, also when opening failed.
  if (const sqlite3_io_methods* found = file.real()->pMethods; found != nullptr) {
    file.base.pMethods = found->iVersion >= 2 ? &kMethods : &kWithoutSharedMemory;
  }
  return rc;
}

int remove(sqlite3_vfs* vfs, const char* path, int syncs_directory) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xDelete(real, path, syncs_directory);
}

int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xAccess(real, path, flags, answer);
}

int full_pathname(sqlite3_vfs* vfs, const char* path, int size, char* out) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xFullPathname(real, path, size, out);
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xRandomness(real, size, out);
}

int wait(sqlite3_vfs* vfs, int microseconds) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xSleep(real, microseconds);
}

int current_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xCurrentTime(real, out);
}

int last_error(sqlite3_vfs* vfs, int size, char* out) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xGetLastError(real, size, out);
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  sqlite3_vfs* real = of(vfs).real();
  return real->xCurrentTimeInt64(real, out);
}

}  // namespace

Result<std::unique_ptr<Meter>> Meter::make(const std::string& vfs) {
  // Bundled SQLite is built without automatic initialisation; calling it again does nothing.
  if (sqlite3_initialize() != SQLITE_OK) return Status(Code::io_error, "SQLite does not start");
  sqlite3_vfs* real = sqlite3_vfs_find(vfs.empty() ? nullptr : vfs.c_str());
  if (real == nullptr) return Status(Code::io_error, "platform.vfs: no VFS is named '" + vfs + "'");
  std::unique_ptr<Meter> meter(new Meter(real));
  if (sqlite3_vfs_register(&meter->vfs_, 0) != SQLITE_OK) {
    return Status(Code::io_error, "SQLite takes no VFS");
  }
  return meter;
}

Meter::Meter(sqlite3_vfs* real) : real_(real), name_("edgepost-") {
  std::array<char, 16> address{};  // no two objects have the same
  const auto number = reinterpret_cast<std::uintptr_t>(this);
  const auto end = std::to_chars(address.data(), address.data() + address.size(), number, 16).ptr;
  name_.append(address.data(), end);
  vfs_.iVersion = std::min(real->iVersion, 2);
  vfs_.szOsFile = static_cast<int>(sizeof(MeteredFile)) + real->szOsFile;
  vfs_.mxPathname = real->mxPathname;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xAccess = access;
  vfs_.xFullPathname = full_pathname;
  vfs_.xRandomness = randomness;
  vfs_.xSleep = wait;
  vfs_.xCurrentTime = current_time;
  vfs_.xGetLastError = last_error;
  if (vfs_.iVersion >= 2) vfs_.xCurrentTimeInt64 = current_time_ms;
}

Meter::~Meter() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace edgepost::store
