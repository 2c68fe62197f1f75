#include "uplink/budget.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <limits>
#include <system_error>

namespace edgepost {
namespace {

using std::chrono::days;

// Clocks drift by less between two looks; what is more is a jump.
constexpr Duration kDriftMax = std::chrono::minutes(1);
constexpr std::uint64_t kLimitMax = std::uint64_t{1} << 62U;

std::int64_t day_of(Timestamp wall) {
  return std::chrono::floor<days>(wall).time_since_epoch().count();
}

std::int64_t month_of(Timestamp wall) {
  const std::chrono::year_month_day date(std::chrono::floor<days>(wall));
  return std::int64_t{int(date.year())} * 12 + static_cast<unsigned>(date.month()) - 1;
}

Timestamp next_day(Timestamp wall) { return std::chrono::floor<days>(wall) + days(1); }

Timestamp next_month(Timestamp wall) {
  const std::chrono::year_month_day date(std::chrono::floor<days>(wall));
  const auto month = date.year() / date.month() + std::chrono::months(1);
  return std::chrono::sys_days(month / std::chrono::day(1));
}

}  // namespace

Budget::Budget(const Pacing& pacing, std::string_view saved) {
  day_.limit = std::min(pacing.bytes_per_day, kLimitMax);
  day_.length = std::chrono::hours(24);
  month_.limit = std::min(pacing.bytes_per_month, kLimitMax);
  month_.length = days(31);
  std::array<std::int64_t, 4> numbers{};
  const char* next = saved.data();
  const char* const end = saved.data() + saved.size();
  for (std::int64_t& number : numbers) {
    while (next != end && *next == ' ')
      ++next;
    const auto [behind, error] = std::from_chars(next, end, number);
    if (error != std::errc() || number < -1) return;
    next = behind;
  }
  day_.number = numbers[0];
  day_.used = day_.written = static_cast<std::uint64_t>(std::max<std::int64_t>(numbers[1], 0));
  month_.number = numbers[2];
  month_.used = month_.written = static_cast<std::uint64_t>(std::max<std::int64_t>(numbers[3], 0));
}

void Budget::advance(Instant boot, std::optional<Timestamp> wall) {
  if (!has_begun_) day_.began = month_.began = boot;
  has_begun_ = true;
  boot_ = boot;
  wall_ = wall;
  bool has_jumped = false;
  std::optional<std::int64_t> day;
  std::optional<std::int64_t> month;
  if (wall) {
    const Duration offset = wall->time_since_epoch() - boot.time_since_epoch();
    has_jumped = offset_ && std::chrono::abs(offset - *offset_) > kDriftMax;
    offset_ = offset;
    day = day_of(*wall);
    month = month_of(*wall);
  }
  day_.advance(boot, day, has_jumped);
  month_.advance(boot, month, has_jumped);
}

void Budget::Period::advance(Instant boot, std::optional<std::int64_t> current, bool has_jumped) {
  const bool is_later = current && *current > number;
  const bool has_ended = is_later && number >= 0 && !has_jumped;
  if (is_later) number = *current;
  if (!has_ended && boot - began < length) return;
  began = boot;
  used = written = 0;
}

void Budget::spend(std::uint64_t bytes) {
  day_.spend(bytes, is_unsaved_);
  month_.spend(bytes, is_unsaved_);
}

void Budget::Period::spend(std::uint64_t bytes, bool& is_unsaved) {
  used += std::min(bytes, kLimitMax - std::min(used, kLimitMax));
  if (limit == 0 || used <= written) return;
  written = used + lease();
  is_unsaved = true;
}

std::uint64_t Budget::Period::left() const {
  if (limit == 0) return std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t usable = limit - std::min(limit, lease());
  return usable - std::min(usable, used);
}

std::uint64_t Budget::left() const { return std::min(day_.left(), month_.left()); }

Duration Budget::renews_in() const {
  const auto wait = [this](const Period& period, auto next) {
    if (!period.is_used_up()) return Duration::zero();
    Duration longest = period.began + period.length - boot_;
    if (wall_) longest = std::min(longest, next(*wall_) - *wall_);
    return std::max(longest, Duration(1));
  };
  return std::max(wait(day_, next_day), wait(month_, next_month));
}

std::optional<std::string> Budget::to_save() {
  if (!is_unsaved_) return std::nullopt;
  is_unsaved_ = false;
  return text();
}

std::optional<std::string> Budget::to_save_at_end() {
  const bool has_lease = day_.written > day_.used || month_.written > month_.used;
  if (!has_lease && !is_unsaved_) return std::nullopt;
  day_.written = day_.used;
  month_.written = month_.used;
  is_unsaved_ = false;
  return text();
}

std::string Budget::text() const {
  return std::to_string(day_.number) + " " + std::to_string(day_.written) + " " +
         std::to_string(month_.number) + " " + std::to_string(month_.written);
}

}  // namespace edgepost
