#include "base/text.hpp"

#include <string>

#include "base/utf8.hpp"

namespace edgepost {
namespace {

bool is_control(char32_t value) { return value < 0x20 || (value >= 0x7F && value <= 0x9F); }

bool is_noncharacter(char32_t value) {
  return (value & 0xFFFEU) == 0xFFFE || (value >= 0xFDD0 && value <= 0xFDEF);
}

bool is_printable_ascii(char value) { return value >= 0x20 && value < 0x7F; }

std::string show(char value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(value);
  if (is_printable_ascii(value)) return {'\'', value, '\''};
  return {'0', 'x', kDigits[byte >> 4U], kDigits[byte & 0xFU]};
}

}  // namespace

Status invalid_byte(std::string_view what, std::string_view text, std::size_t position,
                    std::string_view rule) {
  return {Code::invalid_argument, std::string(what) + ": byte " + std::to_string(position) +
                                      " is " + show(text[position]) + ", " + std::string(rule)};
}

Status validate_text(std::string_view what, std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) {
    return {Code::invalid_argument, std::string(what) + ": " + std::to_string(text.size()) +
                                        " bytes, at most " + std::to_string(bytes_max) +
                                        " are allowed"};
  }
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_printable_ascii(text[at])) {  // as nearly all of it is
      ++at;
      continue;
    }
    const CodePoint next = decode_utf8(text.substr(at));
    if (next.length == 0) return invalid_byte(what, text, at, "which is not UTF-8");
    if (is_control(next.value)) {
      return invalid_byte(what, text, at, "a control character is not allowed");
    }
    if (is_noncharacter(next.value)) {
      return invalid_byte(what, text, at, "the start of a character that Unicode never assigns");
    }
    at += next.length;
  }
  return {};
}

}  // namespace edgepost
