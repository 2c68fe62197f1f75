#include "base/crc32c.hpp"

#include <doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

using edgepost::crc32c;

namespace {

// One bit at a time, as the polynomial is defined.
std::uint32_t crc32c_by_bit(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
  }
  return ~crc;
}

std::string ascending(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i)
    bytes.push_back(static_cast<char>(i));
  return bytes;
}

}  // namespace

TEST_CASE("crc32c: the examples of RFC 3720, appendix B.4, come out") {
  const std::string up = ascending(32);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(std::string(32, '\xFF')) == 0x62A8AB43);
  CHECK(crc32c(up) == 0x46DD794E);
  CHECK(crc32c(std::string(up.rbegin(), up.rend())) == 0x113FDB5C);
  CHECK(crc32c("") == 0);
}

TEST_CASE("crc32c: every length and alignment agrees with the definition") {
  const std::string bytes = ascending(200);
  for (std::size_t begin = 0; begin < 9; ++begin) {
    for (std::size_t size = 0; size < 100; ++size) {
      const std::string_view part = std::string_view(bytes).substr(begin, size);
      CAPTURE(size);
      REQUIRE(crc32c(part) == crc32c_by_bit(part));
    }
  }
}

TEST_CASE("crc32c: a text in two parts has the sum of the whole") {
  const std::string_view text = "events that survive the edge";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc32c(text.substr(cut), crc32c(text.substr(0, cut))) == crc32c(text));
  }
}
