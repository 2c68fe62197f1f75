#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace edgepost::sim {

/// The lock of one file among those who have it open, as SQLite defines it: many may share it; one
/// of them may reserve it, which lets the others go on and only new reservations wait; pending lets
/// nobody new share it; exclusive is alone. The values are those of SQLITE_LOCK_*.
class FileLocks {
 public:
  enum Level : int { none, shared, reserved, pending, exclusive };

  /// Raises the lock of `holder`; false when others are in the way. An exclusive lock that is
  /// refused leaves a pending one, so that its turn comes.
  bool lock(const void* holder, int level);

  /// Lowers the lock of `holder`.
  void unlock(const void* holder, int level);

  /// True when anyone has reserved it, or more.
  [[nodiscard]] bool is_reserved() const;

 private:
  [[nodiscard]] int highest_but(const void* holder) const;

  std::map<const void*, int> levels_;
};

/// The shared memory of a write-ahead log: regions that all connections see, and eight locks. It
/// lasts as long as anyone has it mapped.
class SharedMemory {
 public:
  /// Region number `index`; null when there is none and it shall not be made.
  void* map(const void* holder, std::size_t index, std::size_t bytes, bool makes);

  /// Takes the locks of `mask`, together; false when others are in the way.
  bool lock(const void* holder, std::uint32_t mask, bool is_exclusive);
  void unlock(const void* holder, std::uint32_t mask);

  /// Ends the use of `holder`.
  void unmap(const void* holder);

 private:
  struct Held {
    std::uint32_t shared = 0;
    std::uint32_t exclusive = 0;
  };
  std::map<const void*, Held> held_;
  std::vector<std::unique_ptr<std::uint64_t[]>> regions_;
};

}  // namespace edgepost::sim
