#include "tls/server_hello.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::tls {
namespace {

/// A record with a ServerHello of TLS 1.2 that has these extensions.
std::string hello(const std::string& extensions) {
  const auto size = [](std::size_t value) {
    return std::string({static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)});
  };
  std::string body("\x03\x03", 2);
  body += std::string(32, 'r') + '\x04' + "sess" + std::string("\xc0\x2f\0", 3);
  if (!extensions.empty()) body += size(extensions.size()) + extensions;
  return std::string("\x16\x03\x03", 3) + size(body.size() + 4) + std::string("\x02\0", 2) +
         size(body.size()) + body;
}

const std::string kRenegotiation("\xff\x01\0\x01\0", 5);
const std::string kExtendedMasterSecret("\0\x17\0\0", 4);

TEST_CASE("server hello: the extended master secret is found among the extensions") {
  CHECK(has_extended_master_secret(hello(kExtendedMasterSecret)));
  CHECK(has_extended_master_secret(hello(kRenegotiation + kExtendedMasterSecret)));
  CHECK(has_extended_master_secret(hello(kExtendedMasterSecret) + "next record"));
}

TEST_CASE("server hello: where it is not, it is not found") {
  CHECK_FALSE(has_extended_master_secret(hello("")));
  CHECK_FALSE(has_extended_master_secret(hello(kRenegotiation)));
  // The number stands inside another extension.
  CHECK_FALSE(has_extended_master_secret(hello(std::string("\xff\x01\0\x04\0\x17\0\0", 8))));
}

TEST_CASE("server hello: what is cut or something else is none") {
  const std::string whole = hello(kRenegotiation + kExtendedMasterSecret);
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(has_extended_master_secret(whole.substr(0, size)));
  CHECK_FALSE(has_extended_master_secret("HTTP/1.1 200 OK\r\n\r\n"));
}

}  // namespace
}  // namespace edgepost::tls
