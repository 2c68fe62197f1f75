#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <string>

#include "edgepost/status.hpp"
#include "store/connection.hpp"

namespace edgepost::store {

/// Room on the disk that is kept for acknowledging and trimming: the file `<database>-reserve`.
/// Threads: one at a time.
class Reserve {
 public:
  /// Beside the file of `database`, through the same VFS. `bytes` 0: there is to be none. Nothing
  /// is touched yet. Must outlive: the VFS this object.
  Reserve(const Connection& database, std::uint64_t bytes);

  /// Makes the file unless it is there: written, so that it takes room also where file systems
  /// leave holes out, and synced, so that this room is known to be there.
  /// Errors: full; io_error. After failure there is no file.
  Status make();

  /// Gives the room back to the file system; true when there was some.
  bool release();

  /// The room is wanted and not there.
  [[nodiscard]] bool is_missing() const { return bytes_ > 0 && !is_made_; }

 private:
  [[nodiscard]] int write();

  sqlite3_vfs* vfs_ = nullptr;
  const std::string path_;
  const std::uint64_t bytes_;
  bool is_made_ = false;
};

}  // namespace edgepost::store
