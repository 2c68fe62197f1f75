#include "transport/https/retry_after.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow =
    Timestamp(std::chrono::sys_days(std::chrono::year(2026) / std::chrono::November / 21)) + 8h;

}  // namespace

TEST_CASE("retry_after: reads seconds, for an hour at most [P-31]") {
  CHECK(parse_retry_after("0", kNow) == 0s);
  CHECK(parse_retry_after("120", kNow) == 120s);
  CHECK(parse_retry_after("3601", kNow) == 1h);
  CHECK(parse_retry_after("99999999999999999999999", kNow) == 1h);
}

TEST_CASE("retry_after: reads the three forms of a date against the wall clock [P-31]") {
  CHECK(parse_retry_after("Sat, 21 Nov 2026 08:00:30 GMT", kNow) == 30s);
  CHECK(parse_retry_after("Saturday, 21-Nov-26 08:01:00 GMT", kNow) == 60s);
  CHECK(parse_retry_after("Sat Nov 21 08:02:00 2026", kNow) == 120s);
  CHECK(parse_retry_after("Sun, 22 Nov 2026 08:00:00 GMT", kNow) == 1h);
  CHECK(parse_http_date("Sun Nov  6 08:49:37 1994") ==
        parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"));
}

TEST_CASE("retry_after: what is past or malformed asks for nothing [P-62]") {
  CHECK(!parse_retry_after("Sat, 21 Nov 2026 07:59:59 GMT", kNow));
  CHECK(!parse_retry_after("", kNow));
  CHECK(!parse_retry_after("-1", kNow));
  CHECK(!parse_retry_after("1.5", kNow));
  CHECK(!parse_retry_after("Sat, 31 Feb 2026 08:00:00 GMT", kNow));
  CHECK(!parse_retry_after("Sat, 21 Nov 2026 24:00:00 GMT", kNow));
  CHECK(!parse_retry_after("Sat, 21 Nov 2026 08:00:00", kNow));
  CHECK(!parse_retry_after("Sat, 21 Now 2026 08:00:00 GMT", kNow));
  CHECK(!parse_retry_after("Sat, 2x Nov 2026 08:00:00 GMT", kNow));
  CHECK(!parse_retry_after("Sat,", kNow));
}

}  // namespace edgepost::https
