#include "transport/mqtt/url.hpp"

#include <doctest.h>

namespace edgepost::mqtt {
namespace {

std::string read(std::string_view url) {
  const Result<BrokerAddress> address = parse_broker_url(url);
  REQUIRE_MESSAGE(address.is_ok(), url, ": ", address.status().message());
  return address.value().to_string();
}

std::string refusal(std::string_view url) {
  const Result<BrokerAddress> address = parse_broker_url(url);
  REQUIRE_FALSE_MESSAGE(address.is_ok(), url);
  CHECK(address.status().code() == Code::invalid_argument);
  return address.status().message();
}

}  // namespace

TEST_CASE("mqtt url: host and port are read, the port is 1883 by default") {
  CHECK(read("mqtt://broker.example.com") == "mqtt://broker.example.com:1883");
  CHECK(read("mqtt://127.0.0.1:1/") == "mqtt://127.0.0.1:1");
  CHECK(read("mqtt://a-b_c:65535") == "mqtt://a-b_c:65535");
}

TEST_CASE("mqtt url: an IPv6 address stands in brackets") {
  CHECK(read("mqtt://[::1]") == "mqtt://[::1]:1883");
  CHECK(read("mqtt://[fe80::1%eth0]:8883") == "mqtt://[fe80::1%eth0]:8883");
  CHECK(parse_broker_url("mqtt://[::1]:5").value().host == "::1");
  CHECK(refusal("mqtt://::1") == "url: byte 7: expected a host");
  CHECK(refusal("mqtt://[::1") == "url: byte 11: expected an IPv6 address and ']'");
  CHECK(refusal("mqtt://[]:1") == "url: byte 8: expected a host");
  CHECK(refusal("mqtt://[host]") == "url: byte 12: expected an IPv6 address and ']'");
  CHECK(refusal("mqtt://[::1]x") == "url: byte 12: nothing may follow host and port");
}

TEST_CASE("mqtt url: a unix socket is an absolute path") {
  CHECK(read("mqtt+unix:/run/mosquitto.sock") == "mqtt+unix:/run/mosquitto.sock");
  CHECK(parse_broker_url("mqtt+unix:/a").value().port == 0);
  CHECK(refusal("mqtt+unix:run") == "url: byte 10: expected an absolute path");
  CHECK(refusal("mqtt+unix:/" + std::string(107, 'a')) ==
        "url: byte 10: the path is longer than a socket's may be (107 bytes)");
  CHECK(refusal(std::string_view("mqtt+unix:/a\0b", 14)) == "url: byte 12: NUL in the path");
}

TEST_CASE("mqtt url: an unknown scheme is refused") {
  constexpr std::string_view kExpected =
      "url: byte 0: expected mqtts://host[:port], mqtt://host[:port] or mqtt+unix:/path";
  CHECK(refusal("") == kExpected);
  CHECK(refusal("http://a") == kExpected);
  CHECK(refusal("localhost:1883").starts_with("url: byte 0: "));
}

TEST_CASE("mqtt url: with TLS the port is 8883 by default") {
  CHECK(read("mqtts://broker.example.com") == "mqtts://broker.example.com:8883");
  CHECK(read("mqtts://[::1]:443") == "mqtts://[::1]:443");
  CHECK(parse_broker_url("mqtts://a").value().is_tls);
  CHECK_FALSE(parse_broker_url("mqtt://a").value().is_tls);
  CHECK(refusal("mqtts://joe@a") ==
        "url: byte 11: user name and password are options of their own, not part of the url");
}

TEST_CASE("mqtt url: a missing host or malformed port is refused by its position") {
  CHECK(refusal("mqtt://") == "url: byte 7: expected a host");
  CHECK(refusal("mqtt://:1883") == "url: byte 7: expected a host");
  CHECK(refusal("mqtt://a:") == "url: byte 9: expected a port from 1 to 65535");
  CHECK(refusal("mqtt://a:0") == "url: byte 9: expected a port from 1 to 65535");
  CHECK(refusal("mqtt://a:65536") == "url: byte 9: expected a port from 1 to 65535");
  CHECK(refusal("mqtt://a:-1") == "url: byte 9: expected a port from 1 to 65535");
  CHECK(refusal("mqtt://a:18x") == "url: byte 11: nothing may follow host and port");
  CHECK(refusal("mqtt://a b") == "url: byte 8: nothing may follow host and port");
  CHECK(refusal("mqtt://a/topic") == "url: byte 8: nothing may follow host and port");
  CHECK(refusal("mqtt://a?x=1") == "url: byte 8: nothing may follow host and port");
}

TEST_CASE("mqtt url: a user name is refused and not repeated [P-61]") {
  const std::string message = refusal("mqtt://joe:secret@host:1883");
  CHECK(message.starts_with("url: byte 17: user name and password are options"));
  CHECK(message.find("secret") == std::string::npos);
}

}  // namespace edgepost::mqtt
