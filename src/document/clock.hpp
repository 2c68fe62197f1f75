#pragma once

#include <cstdint>

#include "document/state.hpp"
#include "edgepost/time.hpp"

namespace edgepost::document {

/// A hybrid logical clock (Kulkarni et al., 2014) that knows when it is lying. Its times rise with
/// every write and are later than everything that has been seen; they follow the wall clock while
/// that can be trusted. Until then they follow what is surely past, plus the time that has gone by
/// since the start: the year 1970 never appears.
/// Pure: time is an argument. Threads: one at a time.
class HybridClock {
 public:
  /// `floor` is surely past: the build, or the end of the last reservation, whichever is later.
  /// `since_boot` is now. Not trusted.
  HybridClock(Timestamp floor, HybridTime last, Instant since_boot);

  /// The wall clock can be trusted from now on, or no longer.
  void trust(bool is_trusted) { is_trusted_ = is_trusted; }
  [[nodiscard]] bool is_trusted() const { return is_trusted_; }

  /// The time of a write to a field whose latest time is `field`. Rises.
  HybridTime next(Timestamp wall, Instant since_boot, HybridTime field);

  /// Somebody else has written at `remote`: later writes here are later.
  void observe(HybridTime remote);

  /// Physical time as far as it is known: the wall clock when trusted, else the floor and what has
  /// gone by since.
  [[nodiscard]] Timestamp physical(Timestamp wall, Instant since_boot) const;

  /// The last time given out or observed.
  [[nodiscard]] HybridTime last() const { return last_; }

 private:
  Timestamp floor_;
  Instant begun_;
  HybridTime last_;
  bool is_trusted_ = false;
};

/// The hybrid time with the count 0 at `time`; 0 before 1970.
HybridTime at(Timestamp time);

/// Its milliseconds.
Timestamp physical_part(HybridTime time);

/// Times from the year 2100 on are nobody's.
constexpr HybridTime kHybridTimeEnd = std::uint64_t{4'102'444'800'000} << 16U;

}  // namespace edgepost::document
