#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include "edgepost/sim/fault.hpp"
#include "edgepost/status.hpp"

namespace edgepost::sim {

/// Memory from malloc(3) that is counted, and of which a request fails when told to. Requests, also
/// those to grow a block, are numbered from 0.
///
/// SqliteMemory puts it under SQLite. Under the C++ code of the library it is of little use as it
/// stands: that code is built without exceptions, and a request of operator new that fails ends the
/// process, which the store survives as it does a kill -9. Who wants to try that lets operator new
/// of a test program take its memory here, and the process end when it gets none.
/// Threads: any.
class Allocator {
 public:
  /// Memory for `bytes`, aligned for every type; null when the request fails.
  void* allocate(std::size_t bytes);
  /// `block` with `bytes` of room, perhaps elsewhere; null when the request fails: the block stays.
  void* reallocate(void* block, std::size_t bytes);
  /// Takes a block back. Null is no block, and no error.
  void release(void* block);
  /// The room in a block, as it was asked for.
  [[nodiscard]] static std::size_t size_of(const void* block);

  /// Makes request number `request` fail, or all from it on. Replaces what was planned before.
  void fail_at(std::uint64_t request, Repeat repeat = Repeat::once);

  /// Plans no failure any more.
  void clear_faults();

  /// Requests so far, which is the number of the next one.
  [[nodiscard]] std::uint64_t requests() const;
  /// How many of them failed as planned.
  [[nodiscard]] std::uint64_t failures() const;
  /// What is in use now.
  [[nodiscard]] std::size_t live_bytes() const;
  /// The most that was in use at one time since the start, or since begin_high_water().
  [[nodiscard]] std::size_t high_water_bytes() const;

  /// Measures the high water anew, from what is in use now on.
  void begin_high_water();

 private:
  [[nodiscard]] bool is_refused();

  mutable std::mutex mutex_;
  std::uint64_t requests_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t fails_from_ = ~std::uint64_t{0};
  std::uint64_t fails_until_ = 0;
  std::size_t live_bytes_ = 0;
  std::size_t high_water_bytes_ = 0;
};

/// Gives SQLite an allocator while this object lives. SQLite has one source of memory in a process,
/// and takes it when it starts: this shuts SQLite down and lets it start again.
/// Requires: no other SqliteMemory lives, and no connection to SQLite, no Gateway and no Disk is
/// open, both where this begins and where it ends.
/// Must outlive: every gateway opened meanwhile; `allocator` this object.
class SqliteMemory {
 public:
  /// Begins.
  explicit SqliteMemory(Allocator& allocator);
  /// Gives SQLite back what it had before.
  ~SqliteMemory();
  SqliteMemory(const SqliteMemory&) = delete;
  SqliteMemory& operator=(const SqliteMemory&) = delete;

 private:
  struct Methods;
  std::unique_ptr<Methods> usual_;
};

}  // namespace edgepost::sim
