#include "wire/time.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace edgepost::wire {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::floor;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr Timestamp kFirst = sys_days(year_month_day(year(0), month(1), day(1)));
constexpr Timestamp kLast =
    sys_days(year_month_day(year(9999), month(12), day(31))) + days(1) - Duration(1);

void append_digits(std::string& out, std::int64_t value, std::size_t count) {
  std::string digits = std::to_string(value);
  out.append(count - digits.size(), '0').append(digits);
}

/// Reads a text of fixed form from left to right. After the first mistake nothing else is read,
/// and position() is that mistake's.
class TimeReader {
 public:
  explicit TimeReader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool has_failed() const { return failed_; }
  [[nodiscard]] bool is_at_end() const { return at_ == text_.size(); }
  [[nodiscard]] std::size_t position() const { return at_; }
  [[nodiscard]] char next() const { return is_at_end() ? '\0' : text_[at_]; }

  /// A number of exactly `count` digits; `highest` is checked where it begins.
  int number(unsigned count, int lowest, int highest) {
    const std::size_t start = at_;
    int value = 0;
    for (unsigned i = 0; i < count && !failed_; ++i)
      value = value * 10 + digit();
    if (!failed_ && (value < lowest || value > highest)) fail_at(start);
    return failed_ ? lowest : value;
  }

  int digit() {
    if (failed_ || next() < '0' || next() > '9') return fail_at(at_);
    return text_[at_++] - '0';
  }

  void one_of(std::string_view characters) {
    if (failed_ || is_at_end() || characters.find(next()) == std::string_view::npos) {
      fail_at(at_);
    } else {
      ++at_;
    }
  }

  int fail_at(std::size_t position) {
    if (!failed_) at_ = position;
    failed_ = true;
    return 0;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

sys_days read_date(TimeReader& in) {
  const int y = in.number(4, 0, 9999);
  in.one_of("-");
  const int m = in.number(2, 1, 12);
  in.one_of("-");
  const std::size_t start = in.position();
  const int d = in.number(2, 1, 31);
  const year_month_day date(year(y), month(static_cast<unsigned>(m)),
                            day(static_cast<unsigned>(d)));
  if (!date.ok()) in.fail_at(start);
  return date;
}

Duration read_time_of_day(TimeReader& in) {
  const std::chrono::hours hours(in.number(2, 0, 23));
  in.one_of(":");
  const std::chrono::minutes minutes(in.number(2, 0, 59));
  in.one_of(":");
  Duration result = hours + minutes + std::chrono::seconds(in.number(2, 0, 60));
  if (in.has_failed() || in.next() != '.') return result;
  in.one_of(".");
  int scale = 100'000;
  for (int digits = 0; digits == 0 || (digits < 9 && in.next() >= '0' && in.next() <= '9');
       ++digits, scale /= 10) {
    result += Duration(in.digit() * scale);
  }
  return result;
}

Duration read_offset(TimeReader& in) {
  const char sign = in.next();
  in.one_of("Zz+-");
  if (in.has_failed() || sign == 'Z' || sign == 'z') return Duration(0);
  const std::chrono::hours hours(in.number(2, 0, 23));
  in.one_of(":");
  const Duration offset = hours + std::chrono::minutes(in.number(2, 0, 59));
  return sign == '-' ? -offset : offset;
}

}  // namespace

std::string format_time(Timestamp time) {
  const Timestamp shown = std::clamp(time, kFirst, kLast);
  const sys_days date = floor<days>(shown);
  const year_month_day ymd(date);
  const std::chrono::hh_mm_ss clock(shown - date);
  std::string out;
  append_digits(out, int(ymd.year()), 4);
  append_digits(out.append("-"), unsigned(ymd.month()), 2);
  append_digits(out.append("-"), unsigned(ymd.day()), 2);
  append_digits(out.append("T"), clock.hours().count(), 2);
  append_digits(out.append(":"), clock.minutes().count(), 2);
  append_digits(out.append(":"), clock.seconds().count(), 2);
  append_digits(out.append("."), clock.subseconds().count(), 6);
  return out.append("Z");
}

Result<Timestamp> parse_time(std::string_view text) {
  TimeReader in(text);
  Timestamp time = read_date(in);
  in.one_of("Tt");
  time += read_time_of_day(in);
  time -= read_offset(in);
  if (!in.has_failed() && !in.is_at_end()) in.fail_at(in.position());
  if (!in.has_failed() && (time < kFirst || time > kLast)) in.fail_at(0);
  if (in.has_failed()) {
    return Status(Code::invalid_argument,
                  "not an RFC 3339 time at byte " + std::to_string(in.position()));
  }
  return time;
}

}  // namespace edgepost::wire
