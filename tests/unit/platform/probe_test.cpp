#include "platform/probe.hpp"

#include "support/tcp_peer.hpp"

namespace edgepost {
namespace {

std::optional<bool> outcome(Probe& probe) {
  std::optional<bool> decided;
  test::drive(probe, [&](Instant now) { return (decided = probe.step(now)).has_value(); });
  return decided;
}

TEST_CASE("probe: a port where someone listens is reachable, and nothing is sent") {
  const test::TcpListener listener;
  Probe probe("127.0.0.1", listener.port());
  probe.start(test::now());
  CHECK(outcome(probe) == true);
  bool is_over = false;
  CHECK(listener.accept().receive(1, is_over).empty());
  CHECK(is_over);
}

TEST_CASE("probe: a port where nobody listens is not") {
  test::TcpListener listener;
  listener.close();
  Probe probe("127.0.0.1", listener.port());
  probe.start(test::now());
  CHECK(outcome(probe) == false);
}

TEST_CASE("probe: a name without an address is not") {
  Probe probe(std::string(64, 'a') + ".invalid", 1);
  probe.start(test::now());
  CHECK(outcome(probe) == false);
}

TEST_CASE("probe: it answers once, and can begin again") {
  const test::TcpListener listener;
  Probe probe("127.0.0.1", listener.port());
  CHECK(probe.due() == Instant::max());
  for (int round = 0; round < 2; ++round) {
    probe.start(test::now());
    CHECK(outcome(probe) == true);
    CHECK_FALSE(probe.step(test::now()).has_value());
  }
}

TEST_CASE("probe: one that was cancelled says nothing") {
  const test::TcpListener listener;
  Probe probe("127.0.0.1", listener.port());
  probe.start(test::now());
  probe.cancel();
  CHECK_FALSE(probe.step(test::now()).has_value());
  CHECK(probe.due() == Instant::max());
}

}  // namespace
}  // namespace edgepost
