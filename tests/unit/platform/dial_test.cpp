#include "platform/dial.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>

#include "support/tcp_peer.hpp"
#include "support/temp_dir.hpp"

namespace edgepost {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);

Dial::State outcome(Dial& dial) {
  test::drive(dial, [&](Instant at) {
    const Dial::State state = dial.step(at);
    return state == Dial::State::connected || state == Dial::State::failed;
  });
  return dial.state();
}

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// localhost is ::1, too, on most machines, and nobody listens there.
TEST_CASE("dial: an address that fails leads to the next one") {
  const test::TcpListener listener;
  Dial dial("localhost", listener.port());
  dial.start(test::now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::connected);
  CHECK(dial.take_socket().is_open());
}

TEST_CASE("dial: an address that is no good after all leads to the next one, or to failure") {
  const test::TcpListener listener;
  Dial dial("127.0.0.1", listener.port());
  dial.start(test::now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::connected);
  dial.try_next(test::now(), "it speaks no TLS");
  CHECK(dial.state() == Dial::State::failed);
  CHECK(dial.failure() == "it speaks no TLS");
}

TEST_CASE("dial: after a failure it can begin anew") {
  test::TcpListener listener;
  const std::uint16_t port = listener.port();
  listener.close();
  Dial dial("127.0.0.1", port);
  for (int round = 0; round < 2; ++round) {
    dial.start(test::now(), kTimeout);
    CHECK(outcome(dial) == Dial::State::failed);
    CHECK(dial.failure() == "connect to 127.0.0.1: Connection refused");
  }
}

TEST_CASE("dial: look-ups that are given up do not pile up") {
  const std::size_t before = threads();
  Dial dial("nobody.invalid", 1);
  std::size_t most = 0;
  for (int round = 0; round < 200; ++round) {
    dial.start(test::now(), kTimeout);
    most = std::max(most, threads());
    dial.cancel();
  }
  // Eight, and those that have told their result and are on their way out.
  CHECK(most <= before + 50);
}

TEST_CASE("dial: a look-up that takes all the time there was leaves none to connect") {
  const test::TcpListener listener;
  Dial dial("127.0.0.1", listener.port());
  const Instant begun = test::now();
  dial.start(begun, kTimeout);
  CHECK(dial.step(begun + kTimeout) == Dial::State::failed);
  CHECK(dial.failure() == "name look-up: it took all the time there was");
}

TEST_CASE("dial: a host that begins with a slash is the path of a unix-domain socket") {
  const test::TempDir directory;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  directory.file("s").copy(address.sun_path, sizeof(address.sun_path) - 1);
  const Descriptor listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  REQUIRE(::bind(listener.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  Dial dial(directory.file("s"), 0);
  dial.start(test::now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::failed);
  CHECK(dial.failure() == "connect to " + directory.file("s") + ": Connection refused");
  REQUIRE(::listen(listener.number(), 1) == 0);
  dial.start(test::now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::connected);
  CHECK(dial.take_socket().is_open());
}

}  // namespace
}  // namespace edgepost
