#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "edgepost/status.hpp"
#include "store/connection.hpp"
#include "store/files.hpp"
#include "store/salvage.hpp"

namespace edgepost::store {

/// A segment that rotted in a database that is sound otherwise.
struct BadSegment {
  Lost place;        ///< The events that were in it.
  std::string data;  ///< As it stands there.
};

/// The segment that holds `sequence`, or the next one, if it cannot be read. `next_sequence`: the
/// stream's. Errors: corrupt (the table itself, or the place that the row claims); io_error.
Result<std::optional<BadSegment>> find_bad_segment(Connection& connection, std::uint32_t stream,
                                                   std::uint64_t sequence,
                                                   std::uint64_t next_sequence);

/// Keeps its bytes beside the database, behind a line that says what they are; the path.
/// Errors: full; io_error.
Result<std::string> keep_bad_segment(const Files& files, const BadSegment& segment);

/// Puts in its place that its events are lost. Call inside a write transaction.
Status replace_bad_segment(Connection& connection, const BadSegment& segment);

}  // namespace edgepost::store
