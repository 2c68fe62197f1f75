#include "transport/mqtt/resolve.hpp"

#include <doctest.h>

namespace edgepost::mqtt {

TEST_CASE("resolve: a numeric address is its own") {
  CHECK(resolve("127.0.0.1").value() == std::vector<std::string>{"127.0.0.1"});
  CHECK(resolve("::1").value() == std::vector<std::string>{"::1"});
}

TEST_CASE("resolve: an impossible name is unavailable") {
  // Longer than a label may be, so that no server is asked.
  const Status status = resolve(std::string(64, 'a') + ".invalid").status();
  CHECK(status.code() == Code::unavailable);
  CHECK(status.message().starts_with("name look-up: "));
}

}  // namespace edgepost::mqtt
