#include "transport/https/retry_after.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace edgepost::https {
namespace {

constexpr Duration kLongestDelay = std::chrono::hours(1);
constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// Takes a date apart from left to right; everything fails once something has.
class DateReader {
 public:
  explicit DateReader(std::string_view text) : text_(text) {}

  void skip_until(char mark) {
    const std::size_t at = text_.find(mark);
    is_good_ = is_good_ && at != std::string_view::npos;
    if (is_good_) text_.remove_prefix(at + 1);
  }

  void expect(std::string_view wanted) {
    is_good_ = is_good_ && text_.starts_with(wanted);
    if (is_good_) text_.remove_prefix(wanted.size());
  }

  int number(std::size_t digits) {
    int value = 0;
    if (is_good_ && text_.starts_with(' ') && digits == 2) {  // asctime pads the day with a space
      text_.remove_prefix(1);
      digits = 1;
    }
    is_good_ = is_good_ && text_.size() >= digits && text_[0] >= '0' && text_[0] <= '9';
    if (!is_good_) return 0;
    const auto [stop, error] = std::from_chars(text_.data(), text_.data() + digits, value);
    is_good_ = error == std::errc() && stop == text_.data() + digits;
    text_.remove_prefix(digits);
    return value;
  }

  unsigned month() {
    const auto found = std::ranges::find(kMonths, text_.substr(0, 3));
    is_good_ = is_good_ && found != kMonths.end();
    if (!is_good_) return 0;
    text_.remove_prefix(3);
    return static_cast<unsigned>(found - kMonths.begin()) + 1;
  }

  Duration time_of_day() {
    const int hours = number(2);
    expect(":");
    const int minutes = number(2);
    expect(":");
    const int seconds = number(2);
    is_good_ = is_good_ && hours < 24 && minutes < 60 && seconds <= 60;
    return std::chrono::hours(hours) + std::chrono::minutes(minutes) +
           std::chrono::seconds(seconds);
  }

  [[nodiscard]] bool has_read_all() const { return is_good_ && text_.empty(); }

 private:
  std::string_view text_;
  bool is_good_ = true;
};

std::optional<Timestamp> moment(const DateReader& reader, int year, unsigned month, int day,
                                Duration time) {
  const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!reader.has_read_all() || !date.ok()) return std::nullopt;
  return Timestamp(std::chrono::sys_days(date)) + time;
}

/// `Sat, 21 Nov 2026 08:00:00 GMT`, or with dashes and two digits of the year (RFC 850).
std::optional<Timestamp> read_date_with_comma(std::string_view text) {
  DateReader reader(text);
  reader.skip_until(' ');
  const int day = reader.number(2);
  const bool is_old = text.find('-') != std::string_view::npos;
  reader.expect(is_old ? "-" : " ");
  const unsigned month = reader.month();
  reader.expect(is_old ? "-" : " ");
  int year = reader.number(is_old ? 2 : 4);
  if (is_old) year += year < 70 ? 2000 : 1900;
  reader.expect(" ");
  const Duration time = reader.time_of_day();
  reader.expect(" GMT");
  return moment(reader, year, month, day, time);
}

/// `Sat Nov 21 08:00:00 2026`, as asctime() has it.
std::optional<Timestamp> read_asctime(std::string_view text) {
  DateReader reader(text);
  reader.skip_until(' ');
  const unsigned month = reader.month();
  reader.expect(" ");
  const int day = reader.number(2);
  reader.expect(" ");
  const Duration time = reader.time_of_day();
  reader.expect(" ");
  const int year = reader.number(4);
  return moment(reader, year, month, day, time);
}

}  // namespace

std::optional<Timestamp> parse_http_date(std::string_view text) {
  return text.find(',') == std::string_view::npos ? read_asctime(text) : read_date_with_comma(text);
}

std::optional<Duration> parse_retry_after(std::string_view text, Timestamp wall) {
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos) {
    std::uint64_t seconds = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    const bool is_long = error != std::errc() || seconds > 3600;
    return is_long ? kLongestDelay : std::chrono::seconds(static_cast<std::int64_t>(seconds));
  }
  const std::optional<Timestamp> date = parse_http_date(text);
  if (!date || *date <= wall) return std::nullopt;
  return std::min<Duration>(*date - wall, kLongestDelay);
}

}  // namespace edgepost::https
