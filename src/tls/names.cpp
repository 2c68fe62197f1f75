#include "tls/names.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

namespace edgepost::tls {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool are_equal(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace

std::string address_bytes(const std::string& host) {
  std::array<char, 16> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
  return {};
}

std::string address_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> shown{};
  const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  ::inet_ntop(family, bytes.data(), shown.data(), shown.size());
  return shown.data();
}

bool is_name_for(std::string_view name, std::string_view host) {
  if (are_equal(name, host)) return true;
  if (!name.starts_with("*.")) return false;
  const std::string_view parent = name.substr(1);  // .example.com
  const std::size_t dot = host.find('.');
  return parent.find('.', 1) != std::string_view::npos && dot != std::string_view::npos &&
         dot > 0 && are_equal(parent, host.substr(dot));
}

std::string printable(std::string_view text) {
  constexpr std::size_t kSizeMax = 100;
  std::string shown(text.substr(0, kSizeMax));
  for (char& c : shown) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  if (text.size() > kSizeMax) shown += "...";
  return shown;
}

}  // namespace edgepost::tls
