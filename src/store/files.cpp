#include "store/files.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace edgepost::store {
namespace {

// An open file. The kind makes the VFS sync the file's name together with its content.
class File {
 public:
  File(sqlite3_vfs* vfs, const std::string& path, int flags) {
    const auto size = static_cast<std::size_t>(vfs->szOsFile);
    storage_.resize((size + sizeof(std::max_align_t) - 1) / sizeof(std::max_align_t));
    name_ = sqlite3_create_filename(path.c_str(), "", "", 0, nullptr);
    result_ = vfs->xOpen(vfs, name_, get(), flags | SQLITE_OPEN_SUPER_JOURNAL, nullptr);
  }
  ~File() {
    if (get()->pMethods != nullptr) get()->pMethods->xClose(get());
    sqlite3_free_filename(name_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] int result() const { return result_; }
  sqlite3_file* get() { return reinterpret_cast<sqlite3_file*>(storage_.data()); }
  const sqlite3_io_methods* operator->() { return get()->pMethods; }

 private:
  std::vector<std::max_align_t> storage_;
  const char* name_ = nullptr;
  int result_ = SQLITE_OK;
};

constexpr int kRead = SQLITE_OPEN_READONLY;
constexpr int kWrite = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
constexpr int kPieceBytes = 4'096;

Status failed(int rc, const std::string& path, const char* what) {
  if (rc == SQLITE_OK) return {};
  const bool is_full = (rc & 0xFF) == SQLITE_FULL;
  return {is_full ? Code::full : Code::io_error, "file " + path + ": cannot be " + what};
}

// Reads a piece; what is missing or unreadable is zeros.
std::string read_piece(File& file, sqlite3_int64 at, sqlite3_int64 size) {
  std::string piece(static_cast<std::size_t>(std::min<sqlite3_int64>(size - at, kPieceBytes)),
                    '\0');
  const int rc = file->xRead(file.get(), piece.data(), static_cast<int>(piece.size()), at);
  if (rc != SQLITE_OK) std::fill(piece.begin(), piece.end(), '\0');
  return piece;
}

}  // namespace

Result<Files> Files::beside(const std::string& database, const std::string& vfs_name) {
  const Status status(Code::io_error, "database " + database + ": its path cannot be resolved");
  if (sqlite3_initialize() != SQLITE_OK) return status;
  sqlite3_vfs* vfs = sqlite3_vfs_find(vfs_name.empty() ? nullptr : vfs_name.c_str());
  if (vfs == nullptr) return status;
  std::vector<char> full(static_cast<std::size_t>(vfs->mxPathname) + 1);
  const int rc = vfs->xFullPathname(vfs, database.c_str(), vfs->mxPathname, full.data());
  if ((rc & 0xFF) != SQLITE_OK) return status;
  return Files(vfs, full.data());
}

bool Files::exists(const std::string& path) const {
  int is_there = 0;
  const int rc = vfs_->xAccess(vfs_, path.c_str(), SQLITE_ACCESS_EXISTS, &is_there);
  return rc == SQLITE_OK && is_there != 0;
}

Result<std::string> Files::read(const std::string& path) const {
  if (!exists(path)) return std::string();
  File file(vfs_, path, kRead);
  sqlite3_int64 size = 0;
  int rc = file.result();
  if (rc == SQLITE_OK) rc = file->xFileSize(file.get(), &size);
  if (Status status = failed(rc, path, "read"); !status.is_ok()) return status;
  std::string content;
  while (static_cast<sqlite3_int64>(content.size()) < size)
    content += read_piece(file, static_cast<sqlite3_int64>(content.size()), size);
  return content;
}

Status Files::write(const std::string& path, std::string_view content) const {
  File file(vfs_, path, kWrite);
  int rc = file.result();
  if (rc == SQLITE_OK) rc = file->xTruncate(file.get(), 0);
  if (rc == SQLITE_OK) {
    rc = file->xWrite(file.get(), content.data(), static_cast<int>(content.size()), 0);
  }
  if (rc == SQLITE_OK) rc = file->xSync(file.get(), SQLITE_SYNC_FULL);
  return failed(rc, path, "written");
}

Status Files::copy(const std::string& from, const std::string& to, std::string_view start) const {
  File source(vfs_, from, kRead);
  sqlite3_int64 size = 0;
  int rc = source.result();
  if (rc == SQLITE_OK) rc = source->xFileSize(source.get(), &size);
  if (Status status = failed(rc, from, "read"); !status.is_ok()) return status;
  File target(vfs_, to, kWrite);
  rc = target.result();
  if (rc == SQLITE_OK) rc = target->xTruncate(target.get(), 0);
  for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += kPieceBytes) {
    std::string piece = read_piece(source, at, size);
    if (at == 0) piece.replace(0, std::min(start.size(), piece.size()), start);
    rc = target->xWrite(target.get(), piece.data(), static_cast<int>(piece.size()), at);
  }
  if (rc == SQLITE_OK) rc = target->xSync(target.get(), SQLITE_SYNC_FULL);
  return failed(rc, to, "written");
}

Status Files::remove(const std::string& path) const {
  const int rc = vfs_->xDelete(vfs_, path.c_str(), 1);
  return rc == SQLITE_IOERR_DELETE_NOENT ? Status() : failed(rc, path, "deleted");
}

}  // namespace edgepost::store
