#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::store {

/// Files beside a database, through SQLite's VFS, so that a simulated disk has them as well.
/// What fails to be read or found is asked for some times more, at once, before that is an error;
/// an error of reading names the place.
/// Requires: nobody in this process has a file open as a database that is read or copied here:
/// closing one of two handles would end the other's locks.
class Files {
 public:
  /// Resolves the database's path: whoever comes by a symbolic link means the same files.
  /// Errors: io_error.
  static Result<Files> beside(const std::string& database, const std::string& vfs);

  /// The path of the file that has the database's name and `suffix`.
  [[nodiscard]] std::string path(std::string_view suffix) const {
    return database_ + std::string(suffix);
  }

  /// Errors: io_error.
  [[nodiscard]] Result<bool> exists(const std::string& path) const;

  /// The whole content; empty when there is no file. Errors: io_error.
  Result<std::string> read(const std::string& path) const;

  /// Replaces the content; synced, and so is the name. Errors: full; io_error.
  Status write(const std::string& path, std::string_view content) const;

  /// Copies a file; synced, and so is the name. `start` replaces the first bytes.
  /// Errors: full; io_error: the copy is not whole then.
  Status copy(const std::string& from, const std::string& to, std::string_view start = {}) const;

  /// Deletes a file and syncs its directory; one that is not there is no error. Errors: io_error.
  Status remove(const std::string& path) const;

 private:
  Files(sqlite3_vfs* vfs, std::string database) : vfs_(vfs), database_(std::move(database)) {}

  sqlite3_vfs* vfs_;
  std::string database_;
};

}  // namespace edgepost::store
