#include "store/reserve.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace edgepost::store {
namespace {

constexpr std::size_t kBlockBytes = 64 * 1024;

// Nothing that could be compressed: file systems for raw flash would make little of it.
std::vector<std::uint64_t> noise() {
  std::vector<std::uint64_t> block(kBlockBytes / sizeof(std::uint64_t));
  std::uint64_t state = 1;
  for (std::uint64_t& word : block) {  // xorshift64 (Marsaglia, 2003)
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    word = state;
  }
  return block;
}

}  // namespace

// The name of an open database is resolved: whoever comes by a symbolic link finds the same file.
Reserve::Reserve(const Connection& database, std::uint64_t bytes)
    : path_(std::string(sqlite3_db_filename(database.handle(), "main")) + "-reserve"),
      bytes_(bytes) {
  sqlite3_file_control(database.handle(), "main", SQLITE_FCNTL_VFS_POINTER, &vfs_);
}

Status Reserve::make() {
  if (!is_missing()) return {};
  const int rc = write();
  is_made_ = rc == SQLITE_OK;
  if (is_made_) return {};
  vfs_->xDelete(vfs_, path_.c_str(), 0);
  const Code code = (rc & 0xFF) == SQLITE_FULL ? Code::full : Code::io_error;
  return {code, "reserve_bytes: " + path_ + " cannot be written"};
}

// A code of SQLite's.
int Reserve::write() {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                         SQLITE_OPEN_MAIN_JOURNAL;  // whose sync includes the directory
  const std::size_t size = static_cast<std::size_t>(vfs_->szOsFile);
  std::vector<std::max_align_t> storage(size / sizeof(std::max_align_t) + 1);
  auto* file = reinterpret_cast<sqlite3_file*>(storage.data());
  const int opened = vfs_->xOpen(vfs_, path_.c_str(), file, kFlags, nullptr);
  if (file->pMethods == nullptr) return opened;
  sqlite3_int64 there = 0;
  int rc = opened == SQLITE_OK ? file->pMethods->xFileSize(file, &there) : opened;
  if (rc == SQLITE_OK && static_cast<std::uint64_t>(there) != bytes_) {
    rc = file->pMethods->xTruncate(file, 0);
    const std::vector<std::uint64_t> block = noise();
    for (std::uint64_t at = 0; at < bytes_ && rc == SQLITE_OK; at += kBlockBytes) {
      const auto some = static_cast<int>(std::min<std::uint64_t>(kBlockBytes, bytes_ - at));
      rc = file->pMethods->xWrite(file, block.data(), some, static_cast<sqlite3_int64>(at));
    }
    if (rc == SQLITE_OK) rc = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  }
  file->pMethods->xClose(file);
  return rc;
}

bool Reserve::release() {
  is_made_ = false;
  return bytes_ > 0 && vfs_->xDelete(vfs_, path_.c_str(), 0) == SQLITE_OK;
}

}  // namespace edgepost::store
