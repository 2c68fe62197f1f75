#include "uplink/lane.hpp"

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::UplinkFixture;

// An uplink with two endpoints.
struct LanesFixture : UplinkFixture {
  LanesFixture() { has_second = true; }

  void fail_over() {
    peer.refusal = unreachable();
    run_until(clock.now() + seconds(6));
    REQUIRE(status().address == "fake://second");
  }
  void pass(Duration time) { run_until(clock.now() + time); }
};

TEST_CASE_FIXTURE(LanesFixture, "lane: the second is not touched while the first works") {
  publish_events(3);
  run();
  pass(minutes(5));
  CHECK(received() == Sequences{1, 2, 3});
  CHECK(second.connects == 0);
  CHECK(status().endpoints[1].state == UplinkState::stopped);
}

TEST_CASE_FIXTURE(LanesFixture,
                  "lane: when the first cannot be reached the second is used [P-32]") {
  peer.refusal = unreachable();
  publish_events(2);
  const Instant begin = clock.now();
  while (second.received.size() < 2 && clock.now() < begin + minutes(5))
    pass(milliseconds(100));
  CHECK(clock.now() - begin <= seconds(30));
  CHECK(received_by_second() == Sequences{1, 2});
  CHECK(status().state == UplinkState::online);
  CHECK(status().address == "fake://second");
  CHECK(status().health == Health::degraded);
  CHECK(floor() == 2);
}

TEST_CASE_FIXTURE(LanesFixture, "lane: when the first falls silent the second gets all [P-32]") {
  run();
  peer.answer_nothing();
  publish_keys({"a", "b", "a"});
  const Instant begin = clock.now();
  while (second.received.size() < 3 && clock.now() < begin + minutes(5))
    pass(milliseconds(100));
  CHECK(clock.now() - begin <= seconds(30));
  CHECK(received() == Sequences{1, 2});
  CHECK(received_by_second() == Sequences{1, 2, 3});
  CHECK(status().endpoints[0].breaker != BreakerState::closed);
  CHECK(status().endpoints[0].trips == 1);
  CHECK(was_told("failover second"));
}

TEST_CASE_FIXTURE(LanesFixture, "lane: one whose credentials are refused leaves it to the other") {
  peer.refusal = Answer{AnswerClass::credentials, "not authorised", {}};
  publish_events(1);
  pass(seconds(1));
  CHECK(peer.connects == 2);
  CHECK(received_by_second() == Sequences{1});
  CHECK(status().endpoints[0].state == UplinkState::blocked);
  CHECK(status().endpoints[0].last_error == "not authorised");
  pass(minutes(50));
  CHECK(peer.connects == 2);
  CHECK(was_told("credentials peer"));
  peer.refusal.reset();
  uplink->retry_now();
  pass(seconds(61));
  CHECK(status().address == "fake://peer");
}

TEST_CASE_FIXTURE(LanesFixture, "lane: fail-back awaits the answers, and reorders nothing [P-32]") {
  fail_over();
  peer.refusal.reset();
  second.answer_nothing();
  publish_keys({"a", "a", "b"});
  run();
  CHECK(received_by_second() == Sequences{1, 3});
  while (peer.connects == 0 || !peer.is_connected)
    pass(seconds(1));
  for (int i = 0; i < 62; ++i) {  // some sign of life, or the second would be given up
    second.traffic.progress++;
    pass(seconds(1));
  }
  publish_keys({"c"});
  run();
  CHECK(received().empty());
  CHECK(received_by_second().empty());  // it is being drained
  second.answer(1);
  run();
  CHECK(received().empty());
  second.answer(3);
  run();
  CHECK(received() == Sequences{2, 4});
  CHECK(second.received.size() == 2);
  CHECK(status().address == "fake://peer");
  pass(seconds(1));
  CHECK_FALSE(second.is_connected);
  CHECK(floor() == 4);
}

TEST_CASE_FIXTURE(LanesFixture, "lane: it does not go back before the first has held [P-32]") {
  fail_over();
  peer.refusal.reset();
  while (!peer.is_connected)
    pass(seconds(1));
  pass(seconds(50));
  peer.drop();
  while (peer.connects < 2 || !peer.is_connected)
    pass(seconds(1));
  pass(seconds(50));
  publish_events(1);
  run();
  CHECK(received_by_second() == Sequences{1});
  pass(seconds(15));
  publish_events(1);
  run();
  CHECK(received() == Sequences{2});
}

TEST_CASE_FIXTURE(LanesFixture, "lane: only its own events come again when one is lost") {
  policy.failover.is_split = true;
  policy.max_in_flight = 4;
  peer.answer_nothing();
  second.answer_nothing();
  peer.limits.in_flight_max = second.limits.in_flight_max = 2;
  publish_keys({"a", "b", "c", "d"});
  run();
  Sequences first = received();
  Sequences other = received_by_second();
  CHECK(first.size() == 2);
  CHECK(other.size() == 2);
  peer.refusal = unreachable();
  peer.drop();
  run();
  CHECK(received_by_second().empty());
  second.answer(other[0]);
  second.answer(other[1]);
  run();
  CHECK(received_by_second() == first);
}

TEST_CASE_FIXTURE(LanesFixture,
                  "lane: split over both, a key is never on two ways at once [P-10]") {
  policy.failover.is_split = true;
  policy.max_in_flight_per_key = 8;
  peer.answer_nothing();
  second.answer_nothing();
  for (int i = 0; i < 40; ++i)
    publish_keys({"a", "b", "c"});
  std::map<std::string, std::uint64_t> latest;
  for (int i = 0; i < 200; ++i) {
    run();
    for (test::FakePeer* at : {&peer, &second}) {
      CHECK(at->unanswered.size() <= 3);
      if (at->unanswered.empty()) continue;
      const Event event = at->unanswered.front().second;
      CHECK(latest[event.key] < event.sequence);
      latest[event.key] = event.sequence;
      at->answer(event.sequence);
    }
  }
  CHECK(floor() == 120);
  CHECK(peer.received.size() > 10);
  CHECK(second.received.size() > 10);
}

TEST_CASE_FIXTURE(LanesFixture, "lane: a pinned stream goes to endpoints of its tag only") {
  REQUIRE(gateway->create_stream({.name = "personal", .filters = {"person"}}).is_ok());
  policy.streams = {"outbox", "personal"};
  policy.failover.residency = {{"personal", "eu"}};
  second_tags = {"eu"};
  REQUIRE(gateway->publish({.topic = "person", .data = "x"}).is_ok());
  publish_events(1);
  run();
  CHECK(received() == Sequences{1, 2});         // the outbox has both
  CHECK(received_by_second() == Sequences{1});  // the other stream's only one
  second.refusal = unreachable();
  second.drop();
  REQUIRE(gateway->publish({.topic = "person", .data = "y"}).is_ok());
  pass(minutes(5));
  CHECK(received() == Sequences{3});
  CHECK(status().lag == 1);
  second.refusal.reset();
  second.probe_finds = true;
  pass(minutes(6));
  CHECK(received_by_second() == Sequences{2});
}

TEST_CASE_FIXTURE(LanesFixture, "lane: nothing is probed while another endpoint is online") {
  fail_over();
  peer.probe_finds = false;
  const int probes = peer.probes;
  pass(minutes(10));
  CHECK(peer.probes == probes);
  CHECK(peer.connects > 5);
}

TEST_CASE_FIXTURE(LanesFixture, "lane: a stop ends all of them") {
  fail_over();
  peer.refusal.reset();
  while (!peer.is_connected)
    pass(seconds(1));
  second.answer_nothing();
  publish_events(1);
  run();
  uplink->request_stop(clock.now() + seconds(2));
  run();
  CHECK_FALSE(uplink->is_stopped());
  second.answer(1);
  run();
  CHECK(uplink->is_stopped());
  CHECK_FALSE(peer.is_connected);
  CHECK_FALSE(second.is_connected);
}

TEST_CASE_FIXTURE(LanesFixture, "lane: while another one is open, none is waited in for long") {
  fail_over();
  peer.refusal.reset();
  while (!peer.is_connected)
    pass(seconds(1));
  uplink->step(clock.now(), minutes(1));
  uplink->step(clock.now(), minutes(1));
  CHECK(second.last_wait <= milliseconds(20));
  CHECK(second.last_wait > Duration::zero());
}

}  // namespace
}  // namespace edgepost
