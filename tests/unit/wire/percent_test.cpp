#include "wire/percent.hpp"

#include <doctest.h>

namespace edgepost::wire {

TEST_CASE("percent: encodes header values as the CloudEvents HTTP binding has it") {
  std::string out;
  append_header_value("Euro \u20AC \U0001F600 \"5%\"\r\n~!", out);
  CHECK(out == "Euro%20%E2%82%AC%20%F0%9F%98%80%20%225%25%22%0D%0A~!");
}

TEST_CASE("percent: leaves only unreserved characters in a URI") {
  std::string out;
  append_uri_value("az-._~09/?#&=+ %\x80", out);
  CHECK(out == "az-._~09%2F%3F%23%26%3D%2B%20%25%80");
}

}  // namespace edgepost::wire
