#include "platform/dial.hpp"

#include "support/tcp_peer.hpp"

namespace edgepost {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);

Instant now() { return default_platform().clock->now(); }

Dial::State outcome(Dial& dial) {
  test::drive(dial, [&](Instant at) {
    const Dial::State state = dial.step(at);
    return state == Dial::State::connected || state == Dial::State::failed;
  });
  return dial.state();
}

// localhost is ::1, too, on most machines, and nobody listens there.
TEST_CASE("dial: an address that fails leads to the next one") {
  const test::TcpListener listener;
  Dial dial("localhost", listener.port());
  dial.start(now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::connected);
  CHECK(dial.take_socket().is_open());
}

TEST_CASE("dial: an address that is no good after all leads to the next one, or to failure") {
  const test::TcpListener listener;
  Dial dial("127.0.0.1", listener.port());
  dial.start(now(), kTimeout);
  CHECK(outcome(dial) == Dial::State::connected);
  dial.try_next(now(), "it speaks no TLS");
  CHECK(dial.state() == Dial::State::failed);
  CHECK(dial.failure() == "it speaks no TLS");
}

TEST_CASE("dial: after a failure it can begin anew") {
  test::TcpListener listener;
  const std::uint16_t port = listener.port();
  listener.close();
  Dial dial("127.0.0.1", port);
  for (int round = 0; round < 2; ++round) {
    dial.start(now(), kTimeout);
    CHECK(outcome(dial) == Dial::State::failed);
    CHECK(dial.failure() == "connect to 127.0.0.1: Connection refused");
  }
}

TEST_CASE("dial: a look-up that takes all the time there was leaves none to connect") {
  const test::TcpListener listener;
  Dial dial("127.0.0.1", listener.port());
  const Instant begun = now();
  dial.start(begun, kTimeout);
  CHECK(dial.step(begun + kTimeout) == Dial::State::failed);
  CHECK(dial.failure() == "name look-up: it took all the time there was");
}

}  // namespace
}  // namespace edgepost
