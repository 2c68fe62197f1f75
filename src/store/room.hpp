#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "store/connection.hpp"
#include "store/reserve.hpp"

namespace edgepost::store {

/// What the disk has left for a store. It refuses events for which there is no room, carries the
/// log over into the file, and keeps a reserve that acknowledging and trimming may use up.
/// Threads: only the one whose turn it is to commit; is_reserve_used() and checkpoints(): any.
class Room {
 public:
  /// The options of these names in GatewayOptions.
  struct Limits {
    std::uint64_t disk_bytes_max;
    std::uint64_t reserve_bytes;
    std::size_t group_bytes_max;
  };

  /// Takes checkpoints over from SQLite. Must outlive: `writer` and `clock` this object.
  Room(Connection& writer, const Clock& clock, const Limits& limits);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// Makes the reserve. On a disk too full for it events are refused that the file has no free
  /// pages for, and it is tried again now and then.
  /// Errors: io_error.
  Status make_reserve();

  /// Whether `bytes` more of events may be stored. Inside a write transaction.
  /// Errors: full, naming the option; those of a failing read.
  Status refuse(std::uint64_t bytes) {
    const std::uint64_t needed = bytes + bytes / 8 + 64;  // packed and indexed it is less
    if (!is_limited_) return {};
    return needed <= budget_ ? spend(needed) : measure(needed);
  }

  /// After a commit: carries the log over when it is long enough. `has_stored_events_only`: nothing
  /// else was written.
  void committed(bool has_stored_events_only);

  /// After a commit of events has met a full disk: carries the log over, now and then, so that it
  /// can begin anew.
  void met_full_disk();

  /// For what must be stored although the disk is full: gives up the reserve and carries the log
  /// over. False: that made no room.
  bool make_room();

  /// Carries the whole log over and cuts it off. Errors: full; io_error; busy (a reader).
  Status empty_log();

  /// Gives the free pages of the file, and the log, back to the file system; how many bytes that
  /// were. Outside a transaction. After failure: whatever the file had in use it still has.
  /// Errors: as Gateway::shrink.
  Result<std::uint64_t> shrink();

  [[nodiscard]] bool is_reserve_used() const { return is_reserve_used_; }
  [[nodiscard]] std::uint64_t checkpoints() const { return checkpoints_; }

 private:
  struct Extent {
    std::uint64_t file;  // bytes
    std::uint64_t free;  // of these
  };
  Result<Extent> extent();
  Status vacuum(const Extent& before);
  int checkpoint(int mode);
  Status spend(std::uint64_t needed) {
    budget_ -= needed;
    return {};
  }
  Status measure(std::uint64_t needed);
  void update_limits();
  bool may_try();

  Connection& writer_;
  const Clock& clock_;
  const Limits limits_;
  Reserve reserve_;
  Statement pages_query_;
  Statement free_query_;
  bool is_limited_ = false;
  std::uint64_t budget_ = 0;  // bytes that may be stored until it must be measured again
  int log_pages_ = 0;         // as the last commit left the log
  Instant next_try_;          // of what a full disk may refuse once more
  Duration patience_{};
  std::atomic<bool> is_reserve_used_ = false;
  std::atomic<std::uint64_t> checkpoints_ = 0;
};

}  // namespace edgepost::store
