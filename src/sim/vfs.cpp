// The disk as SQLite sees it. Where POSIX leaves a choice, this does what SQLite's own VFS for Unix
// does: which files sync their directory, what an empty journal counts as, which code an error has.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "sim/disk_model.hpp"

namespace edgepost::sim {
namespace {

constexpr std::int64_t kStartMs = 213'000'000'000'000;  // Julian day 2,465,277.8: in the year 2037

// An open file. What SQLite allocates holds a pointer to it.
struct Open {
  Disk::Model& disk;
  std::shared_ptr<File> file;
  std::string name;
  std::uint64_t life;
  bool is_deleted_on_close;
  bool syncs_directory;

  // A file of before a cut or a restore is dead.
  Verdict begin(CallKind kind, std::string_view what) {
    const Verdict verdict = disk.begin(kind, what, name);
    return life == disk.life ? verdict : Verdict::io_error;
  }
};

struct Slot {
  sqlite3_file base;
  Open* open;
};

Open& of(sqlite3_file* file) { return *reinterpret_cast<Slot*>(file)->open; }
Disk::Model& of(sqlite3_vfs* vfs) { return *static_cast<Disk::Model*>(vfs->pAppData); }

int close(sqlite3_file* f) {
  Open& open = of(f);
  open.file->locks.unlock(&open, FileLocks::none);
  open.file->shared_memory.unmap(&open);
  if (open.is_deleted_on_close && open.life == open.disk.life &&
      open.disk.files.find(open.name) == open.file) {
    open.disk.files.remove(open.name);
  }
  delete &open;
  f->pMethods = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  Open& open = of(f);
  const Verdict verdict = open.begin(CallKind::read, "read");
  if (verdict == Verdict::io_error) return SQLITE_IOERR_READ;
  const std::string& content = open.file->content();
  const auto wanted = static_cast<std::size_t>(size);
  const std::size_t from = std::min(static_cast<std::size_t>(at), content.size());
  const std::size_t got = verdict == Verdict::short_read ? wanted / 2 : wanted;
  const std::size_t there = std::min(got, content.size() - from);
  std::memcpy(to, content.data() + from, there);
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  Open& open = of(f);
  const Verdict verdict = open.begin(CallKind::write, "write");
  if (verdict == Verdict::io_error || verdict == Verdict::read_only) return SQLITE_IOERR_WRITE;
  std::string_view bytes(static_cast<const char*>(from), static_cast<std::size_t>(size));
  const std::size_t end = static_cast<std::size_t>(at) + bytes.size();
  const bool has_room = open.disk.has_room(open.file->content().size(), end);
  if (!has_room) open.disk.last_errno = ENOSPC;
  if (verdict == Verdict::full || !has_room) return SQLITE_FULL;
  if (verdict == Verdict::short_write) bytes = bytes.substr(0, bytes.size() / 2);
  open.file->write(static_cast<std::size_t>(at), bytes);
  return verdict == Verdict::works ? SQLITE_OK : SQLITE_FULL;
}

int truncate(sqlite3_file* f, sqlite3_int64 size) {
  Open& open = of(f);
  if (open.begin(CallKind::change, "truncate") != Verdict::works) return SQLITE_IOERR_TRUNCATE;
  const auto wanted = static_cast<std::size_t>(size);
  if (!open.disk.has_room(open.file->content().size(), wanted)) return SQLITE_FULL;
  open.file->truncate(wanted);
  return SQLITE_OK;
}

int sync(sqlite3_file* f, int) {
  Open& open = of(f);
  if (open.begin(CallKind::other, "sync") != Verdict::works) {
    // Linux forgets what a failed fsync could not write: the next one succeeds without it.
    if (open.life == open.disk.life) {
      open.file->settle(CutPolicy::random, open.disk.draw, open.disk.options.sector_bytes);
    }
    return SQLITE_IOERR_FSYNC;
  }
  if (open.disk.options.syncs) open.file->sync();
  if (std::exchange(open.syncs_directory, false)) open.disk.sync_directory_of(open.name);
  return SQLITE_OK;
}

int file_size(sqlite3_file* f, sqlite3_int64* size) {
  Open& open = of(f);
  if (open.begin(CallKind::other, "size of") != Verdict::works) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(open.file->content().size());
  return SQLITE_OK;
}

int lock(sqlite3_file* f, int level) {
  Open& open = of(f);
  if (open.life != open.disk.life) return SQLITE_IOERR_LOCK;
  return open.file->locks.lock(&open, level) ? SQLITE_OK : SQLITE_BUSY;
}

int unlock(sqlite3_file* f, int level) {
  of(f).file->locks.unlock(&of(f), level);
  return SQLITE_OK;
}

int check_reserved(sqlite3_file* f, int* is_reserved) {
  Open& open = of(f);
  if (open.life != open.disk.life) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  *is_reserved = open.file->locks.is_reserved() ? 1 : 0;
  return SQLITE_OK;
}

int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }

int sector_size(sqlite3_file* f) { return static_cast<int>(of(f).disk.options.sector_bytes); }

// As SQLite's own VFS claims: a write damages no byte outside its range.
int characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int shm_map(sqlite3_file* f, int region, int size, int makes, void volatile** out) {
  Open& open = of(f);
  *out = nullptr;
  if (open.life != open.disk.life) return SQLITE_IOERR_SHMMAP;
  *out = open.file->shared_memory.map(&open, static_cast<std::size_t>(region),
                                      static_cast<std::size_t>(size), makes != 0);
  return SQLITE_OK;
}

int shm_lock(sqlite3_file* f, int first, int count, int flags) {
  Open& open = of(f);
  if (open.life != open.disk.life) return SQLITE_IOERR_SHMLOCK;
  const std::uint32_t mask = ((1U << count) - 1U) << first;
  if ((flags & SQLITE_SHM_UNLOCK) != 0) {
    open.file->shared_memory.unlock(&open, mask);
    return SQLITE_OK;
  }
  const bool is_exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  return open.file->shared_memory.lock(&open, mask, is_exclusive) ? SQLITE_OK : SQLITE_BUSY;
}

void shm_barrier(sqlite3_file*) {}

int shm_unmap(sqlite3_file* f, int) {
  of(f).file->shared_memory.unmap(&of(f));
  return SQLITE_OK;
}

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

// Where a file cannot be opened for writing, SQLite is given it for reading.
int read_only(int flags) {
  return (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
}

int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* f, int flags, int* granted) {
  Disk::Model& disk = of(vfs);
  f->pMethods = nullptr;
  const std::string name = path != nullptr ? path : "/temporary-" + std::to_string(disk.calls);
  std::shared_ptr<File> file = disk.files.find(name);
  const bool makes = file == nullptr && (flags & SQLITE_OPEN_CREATE) != 0;
  const Verdict verdict = disk.begin(makes ? CallKind::create : CallKind::other, "open", name);
  if (verdict != Verdict::works) return SQLITE_CANTOPEN;
  if (makes) file = disk.files.create(name);
  if (file == nullptr) {
    disk.last_errno = ENOENT;
    return SQLITE_CANTOPEN;
  }
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  const bool syncs_directory = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
  const bool is_temporary = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  reinterpret_cast<Slot*>(f)->open =
      new Open{disk, std::move(file), name, disk.life, is_temporary, syncs_directory};
  f->pMethods = &kMethods;
  if (granted != nullptr) *granted = disk.is_read_only() ? read_only(flags) : flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* path, int with_directory) {
  Disk::Model& disk = of(vfs);
  if (disk.begin(CallKind::change, "delete", path) != Verdict::works) return SQLITE_IOERR_DELETE;
  if (disk.files.find(path) == nullptr) return SQLITE_IOERR_DELETE_NOENT;
  disk.files.remove(path);
  if (with_directory != 0) disk.sync_directory_of(path);
  return SQLITE_OK;
}

int access(sqlite3_vfs* vfs, const char* path, int flags, int* answer) {
  Disk::Model& disk = of(vfs);
  *answer = 0;
  if (disk.begin(CallKind::other, "look for", path) != Verdict::works) return SQLITE_IOERR_ACCESS;
  const std::shared_ptr<File> file = disk.files.find(path);
  *answer = file != nullptr && (flags != SQLITE_ACCESS_EXISTS || !file->content().empty()) ? 1 : 0;
  return SQLITE_OK;
}

int full_pathname(sqlite3_vfs*, const char* path, int size, char* out) {
  const std::size_t length = std::strlen(path);
  if (length >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  std::memcpy(out, path, length + 1);
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  std::generate_n(out, size, [vfs] { return static_cast<char>(of(vfs).draw.next()); });
  return size;
}

int wait(sqlite3_vfs* vfs, int microseconds) {
  of(vfs).slept_us += microseconds;
  return microseconds;
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  *out = kStartMs + of(vfs).slept_us / 1000;
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 milliseconds = 0;
  current_time_ms(vfs, &milliseconds);
  *out = static_cast<double>(milliseconds) / 86'400'000.0;
  return SQLITE_OK;
}

int last_error(sqlite3_vfs* vfs, int, char*) { return of(vfs).last_errno; }

}  // namespace

void make_vfs(Disk::Model& model) {
  model.vfs.iVersion = 2;
  model.vfs.szOsFile = static_cast<int>(sizeof(Slot));
  model.vfs.mxPathname = 512;
  model.vfs.zName = model.name.c_str();
  model.vfs.pAppData = &model;
  model.vfs.xOpen = open;
  model.vfs.xDelete = remove;
  model.vfs.xAccess = access;
  model.vfs.xFullPathname = full_pathname;
  model.vfs.xRandomness = randomness;
  model.vfs.xSleep = wait;
  model.vfs.xCurrentTime = current_time;
  model.vfs.xGetLastError = last_error;
  model.vfs.xCurrentTimeInt64 = current_time_ms;
}

}  // namespace edgepost::sim
