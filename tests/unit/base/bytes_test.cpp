#include "base/bytes.hpp"

#include <doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using edgepost::ByteReader;
using edgepost::ByteWriter;

namespace {

constexpr std::uint64_t kNumbers[] = {
    0, 1, 127, 128, 16'383, 16'384, 1'000'000'000'000, std::numeric_limits<std::uint64_t>::max()};
constexpr std::int64_t kSigned[] = {0,
                                    -1,
                                    1,
                                    -64,
                                    64,
                                    std::numeric_limits<std::int64_t>::min(),
                                    std::numeric_limits<std::int64_t>::max()};

}  // namespace

TEST_CASE("bytes: what is written is read again") {
  std::string bytes;
  ByteWriter writer(bytes);
  for (const std::uint64_t number : kNumbers)
    writer.varint(number);
  for (const std::int64_t number : kSigned)
    writer.signed_varint(number);
  writer.byte(7);
  writer.fixed32(0x01020304);
  writer.text({"a\0b", 3});
  ByteReader reader(bytes);
  for (const std::uint64_t number : kNumbers)
    CHECK(reader.varint() == number);
  for (const std::int64_t number : kSigned)
    CHECK(reader.signed_varint() == number);
  CHECK(reader.byte() == 7);
  CHECK(reader.fixed32() == 0x01020304);
  CHECK(reader.text() == std::string_view("a\0b", 3));
  CHECK(reader.is_at_end());
  CHECK_FALSE(reader.has_failed());
}

TEST_CASE("bytes: the form on disk stays as it is") {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.varint(300);
  writer.signed_varint(-3);
  writer.fixed32(0x01020304);
  writer.text("ab");
  CHECK(bytes ==
        "\xAC\x02\x05\x04\x03\x02\x01\x02"
        "ab");
}

TEST_CASE("bytes: reading past the end yields nothing and is remembered") {
  ByteReader reader(
      "\x05"
      "abc");
  CHECK(reader.text().empty());
  CHECK(reader.has_failed());
  CHECK(reader.byte() == 0);
  CHECK(reader.varint() == 0);
  CHECK(reader.has_failed());
}

TEST_CASE("bytes: a number without an end is a failure") {
  ByteReader cut("\x80");
  CHECK(cut.varint() == 0);
  CHECK(cut.has_failed());
  const std::string endless(20, '\x80');
  ByteReader reader(endless);
  CHECK(reader.varint() == 0);
  CHECK(reader.has_failed());
}

TEST_CASE("bytes: a length beyond all memory is a failure, not an overflow") {
  std::string bytes;
  ByteWriter(bytes).varint(std::numeric_limits<std::uint64_t>::max());
  ByteReader reader(bytes);
  CHECK(reader.text().empty());
  CHECK(reader.has_failed());
}
