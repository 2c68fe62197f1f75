#pragma once

#include <cstdint>
#include <functional>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"
#include "store/connection.hpp"

namespace edgepost::store {

/// What one step of a compaction has done.
struct Compacted {
  std::uint64_t position = 0;  ///< The next step goes on behind it; 0: all segments have been seen.
  std::uint64_t freed_bytes = 0;
};

/// What a compaction needs to know of a stream.
struct CompactionPlan {
  std::uint32_t stream = 0;
  std::uint64_t after = 0;                ///< Begins behind the segment that ends here.
  std::uint64_t before = 0;               ///< The sequences from here on are left alone.
  Duration merge_span = Duration::max();  ///< Events this far apart in life stay apart.
  /// Whether an event may be dropped.
  std::function<Result<bool>(const Event&)> is_replaced;
};

/// Goes on for a bounded number of segments: drops replaced events and puts what is left of
/// neighbours into one segment, up to kSegmentBytes. The rows of a stream always span its sequences
/// without a hole: only a damaged file has one. Segments that are damaged, or stand for events that
/// are lost, stay as they are. Call inside a transaction.
/// Errors: full, io_error. Where the file is corrupt it ends, as if it had seen everything.
Result<Compacted> compact_some(Connection& connection, const CompactionPlan& plan);

}  // namespace edgepost::store
