#include "wire/base64.hpp"

#include <cstdint>

namespace edgepost::wire {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

Status malformed(std::size_t position) {
  return {Code::invalid_argument, "malformed base64 at byte " + std::to_string(position)};
}

}  // namespace

void append_base64(std::string_view bytes, std::string& out) {
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      out.push_back(i <= group.size() ? kAlphabet[bits >> (18U - 6U * i) & 63U] : '=');
    }
  }
}

Result<std::string> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return malformed(text.size());
  std::size_t digits = text.size();
  for (int padding = 0; padding < 2 && digits > 0 && text[digits - 1] == '='; ++padding)
    --digits;
  std::string out;
  out.reserve(digits * 3 / 4);
  std::uint32_t bits = 0;
  unsigned held = 0;
  for (std::size_t at = 0; at < digits; ++at) {
    const std::size_t value = kAlphabet.find(text[at]);
    if (value == std::string_view::npos) return malformed(at);
    bits = (bits << 6U | static_cast<std::uint32_t>(value)) & 0xFFFU;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>(bits >> held & 0xFFU));
  }
  if ((bits & ((1U << held) - 1U)) != 0) return malformed(digits - 1);
  return out;
}

}  // namespace edgepost::wire
