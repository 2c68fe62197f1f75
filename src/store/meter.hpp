#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "edgepost/status.hpp"

namespace edgepost::store {

/// A VFS of a gateway's own in front of the host's: hands every call on, and counts the bytes that
/// are written and the syncs of all files opened through it.
/// Must outlive: every file opened through it.
/// Threads: any.
class Meter {
 public:
  /// Registers a VFS in front of the one named `vfs` (empty: the default one).
  /// Errors: io_error (no VFS of that name).
  static Result<std::unique_ptr<Meter>> make(const std::string& vfs);

  ~Meter();
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  /// For opening files: no other living meter of the process has it.
  [[nodiscard]] const std::string& name() const { return name_; }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t syncs() const { return syncs_; }

  /// For the VFS: one more write, or sync.
  void wrote(int bytes) {
    bytes_.fetch_add(static_cast<std::uint64_t>(bytes), std::memory_order_relaxed);
  }
  void synced() { syncs_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] sqlite3_vfs* real() const { return real_; }

 private:
  explicit Meter(sqlite3_vfs* real);

  sqlite3_vfs* const real_;
  std::string name_;
  sqlite3_vfs vfs_{};
  std::atomic<std::uint64_t> bytes_ = 0;
  std::atomic<std::uint64_t> syncs_ = 0;
};

}  // namespace edgepost::store
