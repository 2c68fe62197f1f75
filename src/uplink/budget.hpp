#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// What remains of the bytes of a day and a month; see Pacing. It is pure.
/// A *lease* is a 64th of the budget. One is written down before its bytes are used, so that a
/// crash makes no byte free: what is written down counts as used. The last lease is kept back, for
/// answers and goodbyes.
/// A period ends when the wall clock has come into a later one, or when its length has passed by a
/// clock that never jumps. A wall clock that jumped says nothing about how much time has passed:
/// forward, the period goes on under its new date; back, the old date stays.
class Budget {
 public:
  /// `saved`: what to_save() gave last; malformed, it counts for nothing.
  Budget(const Pacing& pacing, std::string_view saved);

  /// False when there is nothing to keep: everything else is without meaning then.
  [[nodiscard]] bool is_limited() const { return day_.limit > 0 || month_.limit > 0; }

  /// Time passes: `boot` also counts while the machine sleeps; no `wall` while it is not trusted.
  void advance(Instant boot, std::optional<Timestamp> wall);

  /// So many bytes went over the wire.
  void spend(std::uint64_t bytes);

  [[nodiscard]] bool is_used_up() const { return day_.is_used_up() || month_.is_used_up(); }
  /// Bytes that may still be used.
  [[nodiscard]] std::uint64_t left() const;
  [[nodiscard]] std::uint64_t day_used() const { return day_.used; }
  [[nodiscard]] std::uint64_t month_used() const { return month_.used; }

  /// How long until is_used_up() may change by time alone.
  [[nodiscard]] Duration renews_in() const;

  /// What has to be written down, if anything has.
  [[nodiscard]] std::optional<std::string> to_save();
  /// The same at an orderly end: what was used, and no lease.
  [[nodiscard]] std::optional<std::string> to_save_at_end();

 private:
  struct Period {
    std::uint64_t limit = 0;
    Duration length{};
    std::int64_t number = -1;  // of the wall clock's days or months; -1: not known yet
    std::uint64_t used = 0;
    std::uint64_t written = 0;  // used, and the lease
    Instant began;              // by the clock that never jumps

    [[nodiscard]] std::uint64_t lease() const { return limit / 64 + 1; }
    [[nodiscard]] std::uint64_t left() const;
    [[nodiscard]] bool is_used_up() const { return limit > 0 && left() == 0; }
    void advance(Instant boot, std::optional<std::int64_t> current, bool has_jumped);
    void spend(std::uint64_t bytes, bool& is_unsaved);
  };
  [[nodiscard]] std::string text() const;

  Period day_;
  Period month_;
  Instant boot_;
  std::optional<Timestamp> wall_;
  std::optional<Duration> offset_;  // of the wall clock, when it was seen last
  bool has_begun_ = false;
  bool is_unsaved_ = false;
};

}  // namespace edgepost
