#include "wire/time.hpp"

#include <doctest.h>

#include <chrono>
#include <random>
#include <string>

namespace edgepost::wire {
namespace {

using std::chrono::seconds;

Timestamp at(std::int64_t seconds_since_1970, int microseconds = 0) {
  return Timestamp(seconds(seconds_since_1970)) + Duration(microseconds);
}

Timestamp read(std::string_view text) {
  const Result<Timestamp> time = parse_time(text);
  REQUIRE_MESSAGE(time.is_ok(), text, ": ", time.status().message());
  return time.value();
}

std::string error_of(std::string_view text) { return parse_time(text).status().message(); }

}  // namespace

TEST_CASE("time: a timestamp is written as RFC 3339 in UTC with microseconds") {
  CHECK(format_time(at(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_time(at(1795244400)) == "2026-11-21T07:00:00.000000Z");
  CHECK(format_time(at(951827696, 7)) == "2000-02-29T12:34:56.000007Z");
  CHECK(format_time(at(-1, 999'999)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("time: what the format cannot say is written as the nearest it can") {
  CHECK(format_time(Timestamp::min()) == "0000-01-01T00:00:00.000000Z");
  CHECK(format_time(Timestamp::max()) == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("time: any offset and any fraction is understood") {
  CHECK(read("1970-01-01T00:00:00Z") == at(0));
  CHECK(read("1970-01-01t01:30:00.5+01:30") == at(0, 500'000));
  CHECK(read("1969-12-31T23:59:00-00:01") == at(0));
  CHECK(read("1970-01-01T00:00:00.123456789z") == at(0, 123'456));
  CHECK(read("1969-12-31T23:59:60Z") == at(0));
}

TEST_CASE("time: leap years are those of the Gregorian calendar") {
  CHECK(read("2000-02-29T00:00:00Z") == at(951782400));
  CHECK(read("2024-02-29T00:00:00Z") == at(1709164800));
  CHECK(error_of("1900-02-29T00:00:00Z") == "not an RFC 3339 time at byte 8");
  CHECK(error_of("2026-02-29T00:00:00Z") == "not an RFC 3339 time at byte 8");
}

TEST_CASE("time: malformed text is refused, naming the position") {
  CHECK(error_of("") == "not an RFC 3339 time at byte 0");
  CHECK(error_of("-001-01-01T00:00:00Z") == "not an RFC 3339 time at byte 0");
  CHECK(error_of("2026-13-01T00:00:00Z") == "not an RFC 3339 time at byte 5");
  CHECK(error_of("2026-11-21 07:00:00Z") == "not an RFC 3339 time at byte 10");
  CHECK(error_of("2026-11-21T24:00:00Z") == "not an RFC 3339 time at byte 11");
  CHECK(error_of("2026-11-21T07:60:00Z") == "not an RFC 3339 time at byte 14");
  CHECK(error_of("2026-11-21T07:00:61Z") == "not an RFC 3339 time at byte 17");
  CHECK(error_of("2026-11-21T07:00:00.Z") == "not an RFC 3339 time at byte 20");
  CHECK(error_of("2026-11-21T07:00:00.0123456789Z") == "not an RFC 3339 time at byte 29");
  CHECK(error_of("2026-11-21T07:00:00") == "not an RFC 3339 time at byte 19");
  CHECK(error_of("2026-11-21T07:00:00+0100") == "not an RFC 3339 time at byte 22");
  CHECK(error_of("2026-11-21T07:00:00Zulu") == "not an RFC 3339 time at byte 20");
}

TEST_CASE("time: an offset cannot lead out of the years 0000 to 9999") {
  CHECK(error_of("0000-01-01T00:00:00+00:01") == "not an RFC 3339 time at byte 0");
  CHECK(error_of("9999-12-31T23:59:59-00:01") == "not an RFC 3339 time at byte 0");
}

TEST_CASE("time: what was written is read back") {
  std::mt19937_64 random(1);
  std::uniform_int_distribution<std::int64_t> any(
      read("0000-01-01T00:00:00Z").time_since_epoch().count(),
      read("9999-12-31T23:59:59Z").time_since_epoch().count());
  for (int i = 0; i < 2'000; ++i) {
    const Timestamp time{Duration(any(random))};
    REQUIRE(read(format_time(time)) == time);
  }
}

}  // namespace edgepost::wire
