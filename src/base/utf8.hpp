#pragma once

#include <cstddef>
#include <string_view>

namespace edgepost {

/// One code point and the bytes it takes in UTF-8; length 0 says that there is none.
struct CodePoint {
  char32_t value = 0;      ///< A Unicode scalar value.
  std::size_t length = 0;  ///< 1 to 4, or 0.
};

/// Reads the code point that `text` begins with (RFC 3629: shortest form, no surrogates). The
/// length is 0 when the text is empty or begins with anything else.
CodePoint decode_utf8(std::string_view text);

/// The position of the first byte that no valid UTF-8 goes on with; npos when all of it is valid.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace edgepost
