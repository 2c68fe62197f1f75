#pragma once

#include <array>
#include <cstddef>
#include <mutex>

#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"

namespace edgepost {

/// Makes UUIDv7 ids (RFC 9562, section 5.7): milliseconds of the given wall time, then 74 random
/// bits, so that a wrong or repeated clock never makes an id twice.
/// Threads: any.
class IdSource {
 public:
  /// Must outlive: `random` this object.
  explicit IdSource(Random& random) : random_(random) {}

  /// The next id.
  EventId next(Timestamp wall);

 private:
  Random& random_;
  std::mutex mutex_;
  std::array<std::byte, 320> pool_{};  // 32 ids for one system call
  std::size_t used_ = sizeof(pool_);
};

}  // namespace edgepost
