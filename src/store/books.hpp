#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/stream.hpp"
#include "store/cursor.hpp"

namespace edgepost::store {

/// SQLite's integers are signed: no sequence is larger.
inline constexpr auto kSequenceMax =
    static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// What row 0 of a segment table holds: the part of a stream's books that segments cannot tell.
/// With several consumers an event counts as what the last to finish with it made of it.
struct Books {
  std::uint64_t next_sequence = 1;  ///< At least: segments written later may be ahead of it.
  std::uint64_t done = 0;           ///< Every event up to here is settled.
  std::uint64_t trimmed = 0;        ///< Every event up to here is gone, or may be deleted.
  std::uint64_t bytes = 0;          ///< Of the segments before next_sequence.
  bool has_bytes = true;            ///< False: an old format, which did not count them. Not stored.
  Duration life = Duration::zero();  ///< When they were written; see life.hpp.
  std::uint64_t acknowledged = 0;
  std::uint64_t expired = 0;
  std::uint64_t dead = 0;
  Dropped dropped;
  std::vector<Floor> floors;
  /// Sequences above `done`, ascending, that will count as dead.
  std::vector<std::uint64_t> dead_above;

  /// Moves `done` up to `sequence`. The events in between count as what `witness`, a consumer that
  /// passed them since the books were last stored, made of them; those it does not tell of, or
  /// without one, as `otherwise`.
  void settle(std::uint64_t sequence, const Floor* witness, Outcome otherwise);

  [[nodiscard]] std::string encode(std::uint32_t stream) const;
  /// Errors: corrupt, unsupported.
  static Result<Books> decode(std::string_view bytes, std::uint32_t stream);

 private:
  void count(Outcome outcome, std::uint64_t sequence);
};

}  // namespace edgepost::store
