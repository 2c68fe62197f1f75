#include "transport/https/url.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

std::string error_of(std::string_view text) { return parse_url("url", text).status().message(); }

}  // namespace

TEST_CASE("url: has scheme, host, port, path and query") {
  const auto url = parse_url("url", "https://cloud.example:8443/in/events?key=a%20b&x");
  REQUIRE(url.is_ok());
  CHECK(url->is_tls);
  CHECK(url->host == "cloud.example");
  CHECK(url->port == 8443);
  CHECK(url->path == "/in/events");
  CHECK(url->target() == "/in/events?key=a%20b&x");
  CHECK(url->authority() == "cloud.example:8443");
  CHECK(url->to_string() == "https://cloud.example:8443/in/events");
}

TEST_CASE("url: knows the ports of its schemes, and leaves them out of Host") {
  CHECK(parse_url("url", "https://a")->port == 443);
  CHECK(parse_url("url", "https://a")->target() == "/");
  CHECK(parse_url("url", "http://a/")->port == 80);
  CHECK(parse_url("url", "http://a:80/")->authority() == "a");
  CHECK(parse_url("url", "https://[fe80::1%eth0]:444?q")->host == "fe80::1%eth0");
  CHECK(parse_url("url", "https://[::1]")->authority() == "[::1]");
  CHECK(parse_url("url", "https://a?q")->target() == "/?q");
}

TEST_CASE("url: what is malformed is refused by its place, never by its text [P-61]") {
  CHECK(error_of("ftp://a") == "url: byte 0: expected https://host[:port]/path");
  CHECK(error_of("https://u:secret@a/") ==
        "url: byte 16: user name and password are options of their own, not part of the url");
  CHECK(error_of("https:///x") == "url: byte 8: expected a host");
  CHECK(error_of("https://a:0/") == "url: byte 10: expected a port from 1 to 65535");
  CHECK(error_of("https://a:65536") == "url: byte 10: expected a port from 1 to 65535");
  CHECK(error_of("https://a b") == "url: byte 9: expected a path");
  CHECK(error_of("https://a/#f") == "url: byte 10: a fragment is not sent");
  CHECK(error_of("https://a#f") == "url: byte 9: a fragment is not sent");
  CHECK(error_of("https://a/x y") == "url: byte 11: this character must be percent-encoded");
  CHECK(error_of("https://[a]/") == "url: byte 10: expected an IPv6 address and ']'");
}

}  // namespace edgepost::https
