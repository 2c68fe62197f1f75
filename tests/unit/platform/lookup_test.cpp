#include "platform/lookup.hpp"

#include <doctest.h>
#include <poll.h>

namespace edgepost {
namespace {

Result<Lookup::Addresses> look_up(const std::string& host) {
  const Result<Lookup> lookup = Lookup::start(host);
  if (!lookup) return lookup.status();
  pollfd done{lookup->descriptor(), POLLIN, 0};
  if (done.fd >= 0) CHECK(::poll(&done, 1, 10'000) == 1);
  REQUIRE(lookup->is_done());
  return lookup->result();
}

TEST_CASE("lookup: a numeric address is its own, at once") {
  CHECK(Lookup::start("127.0.0.1")->descriptor() == -1);
  CHECK(*look_up("127.0.0.1") == Lookup::Addresses{"127.0.0.1"});
  CHECK(*look_up("::1") == Lookup::Addresses{"::1"});
}

TEST_CASE("lookup: a name has its addresses") {
  const Result<Lookup::Addresses> found = look_up("localhost");
  REQUIRE(found.is_ok());
  for (const std::string& address : *found)
    CHECK((address == "127.0.0.1" || address == "::1"));
}

TEST_CASE("lookup: an impossible name is unavailable") {
  // Longer than a label may be, so that no server is asked.
  const Status status = look_up(std::string(64, 'a') + ".invalid").status();
  CHECK(status.code() == Code::unavailable);
  CHECK(status.message().starts_with("name look-up: "));
}

TEST_CASE("lookup: one that is given up ends by itself") {
  for (int i = 0; i < 8; ++i)
    CHECK(Lookup::start("localhost").is_ok());
}

}  // namespace
}  // namespace edgepost
