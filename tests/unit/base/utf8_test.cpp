#include "base/utf8.hpp"

#include <doctest.h>

#include <string_view>

using edgepost::decode_utf8;
using edgepost::find_invalid_utf8;

namespace {

struct Sample {
  std::string_view bytes;
  char32_t value;
};

constexpr Sample kEdges[] = {
    {{"\x00", 1}, 0x00},
    {"\x7F", 0x7F},
    {"\xC2\x80", 0x80},
    {"\xDF\xBF", 0x7FF},
    {"\xE0\xA0\x80", 0x800},
    {"\xED\x9F\xBF", 0xD7FF},
    {"\xEE\x80\x80", 0xE000},
    {"\xEF\xBF\xBF", 0xFFFF},
    {"\xF0\x90\x80\x80", 0x10000},
    {"\xF4\x8F\xBF\xBF", 0x10FFFF},
};

constexpr std::string_view kBroken[] = {
    "\x80",              // begins with a continuation
    "\xC1\xBF",          // 0x7F in two bytes
    "\xE0\x9F\xBF",      // 0x7FF in three
    "\xF0\x8F\xBF\xBF",  // 0xFFFF in four
    "\xED\xA0\x80",      // a surrogate
    "\xF4\x90\x80\x80",  // beyond Unicode
    "\xF5\x80\x80\x80",  // no lead byte at all
    "\xE2\x82",          // cut short
    "\xE2\x28\xA1",      // its second byte continues nothing
};

}  // namespace

TEST_CASE("utf8: the first and last code point of each length are read") {
  for (const Sample& sample : kEdges) {
    CAPTURE(sample.value);
    CHECK(decode_utf8(sample.bytes).value == sample.value);
    CHECK(decode_utf8(sample.bytes).length == sample.bytes.size());
  }
}

TEST_CASE("utf8: overlong forms, surrogates and cut sequences are no code points") {
  for (const std::string_view bytes : kBroken) {
    CAPTURE(static_cast<int>(bytes.front()));
    CHECK(decode_utf8(bytes).length == 0);
  }
  CHECK(decode_utf8("").length == 0);
}

TEST_CASE("utf8: the first invalid byte of a text is found") {
  CHECK(find_invalid_utf8("") == std::string_view::npos);
  CHECK(find_invalid_utf8("Zürich 21 °C") == std::string_view::npos);
  CHECK(find_invalid_utf8("\xFFoven") == 0);
  CHECK(find_invalid_utf8("21 °C\xC3") == 6);
}
