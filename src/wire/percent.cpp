#include "wire/percent.hpp"

namespace edgepost::wire {
namespace {

void append_byte(char c, std::string& out) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out.push_back('%');
  out.push_back(kDigits[byte >> 4U]);
  out.push_back(kDigits[byte & 15U]);
}

}  // namespace

void append_header_value(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (c > ' ' && c <= '~' && c != '"' && c != '%') {
      out.push_back(c);
    } else {
      append_byte(c, out);
    }
  }
}

void append_uri_value(std::string_view value, std::string& out) {
  constexpr std::string_view kUnreserved =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
  for (const char c : value) {
    if (kUnreserved.find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      append_byte(c, out);
    }
  }
}

}  // namespace edgepost::wire
