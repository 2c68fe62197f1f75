#include "base/text.hpp"

#include <doctest.h>

#include <string>
#include <string_view>

using edgepost::Code;
using edgepost::validate_text;

namespace {

std::string complaint(std::string_view text) {
  const edgepost::Status status = validate_text("key", text, 8);
  CHECK(status.code() == (status.is_ok() ? Code::ok : Code::invalid_argument));
  return status.message();
}

}  // namespace

TEST_CASE("text: any printable text up to the limit is accepted") {
  CHECK(complaint("").empty());
  CHECK(complaint("Öl +#/%").empty());
  CHECK(complaint("\xF0\x9F\x8C\xA1").empty());
}

TEST_CASE("text: a byte too many is refused with both numbers") {
  CHECK(complaint("12345678").empty());
  CHECK(complaint("123456789") == "key: 9 bytes, at most 8 are allowed");
}

TEST_CASE("text: bytes that are not UTF-8 are refused with their position") {
  CHECK(complaint("ab\xFF") == "key: byte 2 is 0xff, which is not UTF-8");
  CHECK(complaint("\xC3") == "key: byte 0 is 0xc3, which is not UTF-8");
}

TEST_CASE("text: control characters are refused, those of Latin-1 included") {
  const std::string rule = "a control character is not allowed";
  CHECK(complaint({"a\0b", 3}) == "key: byte 1 is 0x00, " + rule);
  CHECK(complaint("ab\n") == "key: byte 2 is 0x0a, " + rule);
  CHECK(complaint("\x7F") == "key: byte 0 is 0x7f, " + rule);
  CHECK(complaint("a\xC2\x9F") == "key: byte 1 is 0xc2, " + rule);
  CHECK(complaint("a\xC2\xA0").empty());
}

TEST_CASE("text: characters that Unicode never assigns are refused") {
  const std::string rule = "the start of a character that Unicode never assigns";
  CHECK(complaint("a\xEF\xBF\xBF") == "key: byte 1 is 0xef, " + rule);
  CHECK(complaint("\xEF\xB7\x90") == "key: byte 0 is 0xef, " + rule);
  CHECK(complaint("\xF4\x8F\xBF\xBE") == "key: byte 0 is 0xf4, " + rule);
  CHECK(complaint("\xEF\xBF\xBD").empty());
}
