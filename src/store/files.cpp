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
constexpr int kTries = 3;

Status failed(int rc, const std::string& path, const char* what) {
  if (rc == SQLITE_OK) return {};
  const bool is_full = (rc & 0xFF) == SQLITE_FULL;
  return {is_full ? Code::full : Code::io_error, "file " + path + ": cannot be " + what};
}

// A medium that is about to fail often answers when it is asked again.
template <typename Question>
int ask(const Question& question) {
  int rc = question();
  for (int i = 1; rc != SQLITE_OK && i < kTries; ++i)
    rc = question();
  return rc;
}

// The file's length.
Result<sqlite3_int64> size_of(File& file, const std::string& path) {
  sqlite3_int64 size = 0;
  int rc = file.result();
  if (rc == SQLITE_OK) rc = ask([&] { return file->xFileSize(file.get(), &size); });
  if (Status status = failed(rc, path, "read"); !status.is_ok()) return status;
  return size;
}

// Also fails where the file ends although it is said to be longer.
Result<std::string> read_piece(File& file, const std::string& path, sqlite3_int64 at,
                               sqlite3_int64 size) {
  std::string piece(static_cast<std::size_t>(std::min<sqlite3_int64>(size - at, kPieceBytes)),
                    '\0');
  const auto bytes = static_cast<int>(piece.size());
  if (ask([&] { return file->xRead(file.get(), piece.data(), bytes, at); }) == SQLITE_OK) {
    return piece;
  }
  return Status(Code::io_error, "file " + path + ": of " + std::to_string(bytes) +
                                    " bytes at offset " + std::to_string(at) +
                                    " some cannot be read");
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

Result<bool> Files::exists(const std::string& path) const {
  int is_there = 0;
  const int rc =
      ask([&] { return vfs_->xAccess(vfs_, path.c_str(), SQLITE_ACCESS_EXISTS, &is_there); });
  if (Status status = failed(rc, path, "looked for"); !status.is_ok()) return status;
  return is_there != 0;
}

Result<std::string> Files::read(const std::string& path) const {
  const Result<bool> is_there = exists(path);
  if (!is_there) return is_there.status();
  if (!*is_there) return std::string();
  File file(vfs_, path, kRead);
  const Result<sqlite3_int64> size = size_of(file, path);
  if (!size) return size.status();
  std::string content;
  for (sqlite3_int64 at = 0; at < *size; at += kPieceBytes) {
    const Result<std::string> piece = read_piece(file, path, at, *size);
    if (!piece) return piece.status();
    content += *piece;
  }
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
  const Result<sqlite3_int64> size = size_of(source, from);
  if (!size) return size.status();
  File target(vfs_, to, kWrite);
  int rc = target.result();
  if (rc == SQLITE_OK) rc = target->xTruncate(target.get(), 0);
  for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < *size; at += kPieceBytes) {
    Result<std::string> piece = read_piece(source, from, at, *size);
    if (!piece) return piece.status();
    if (at == 0) piece->replace(0, std::min(start.size(), piece->size()), start);
    rc = target->xWrite(target.get(), piece->data(), static_cast<int>(piece->size()), at);
  }
  if (rc == SQLITE_OK) rc = target->xSync(target.get(), SQLITE_SYNC_FULL);
  return failed(rc, to, "written");
}

Status Files::remove(const std::string& path) const {
  const int rc = vfs_->xDelete(vfs_, path.c_str(), 1);
  return rc == SQLITE_IOERR_DELETE_NOENT ? Status() : failed(rc, path, "deleted");
}

}  // namespace edgepost::store
