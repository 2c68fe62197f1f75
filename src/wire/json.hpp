#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace edgepost::wire {

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);

inline constexpr std::string_view kJsonSpace = " \t\r\n";

/// Where a JSON value stands in a text.
struct JsonExtent {
  bool is_valid = false;
  std::size_t begin = 0;  ///< Its first byte.
  std::size_t end = 0;    ///< The byte after its last; if invalid, the byte that breaks a rule.
};

/// Finds the JSON value (RFC 8259) that `text` begins with, white space aside. It may be nested 64
/// deep and is UTF-8 without lone surrogates; names in an object may repeat.
JsonExtent scan_json(std::string_view text);

/// True when `text` is one such value and nothing more.
bool is_json(std::string_view text);

}  // namespace edgepost::wire
