#include "uplink/uplink.hpp"

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <string>
#include <vector>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::UplinkFixture;

using Texts = std::vector<std::string>;

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it tells when it comes online and when it goes") {
  run();
  CHECK(told() == Texts{"online peer"});
  peer.drop();
  run();
  CHECK(told() == Texts{"offline peer"});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it tells of each change of a breaker") {
  peer.refusal = unreachable();
  policy.breaker.failure_threshold = 2;
  policy.retry.initial_delay = milliseconds(10);
  run_until(clock.now() + seconds(1));
  CHECK(told() == Texts{"breaker peer"});
  CHECK(status().endpoints[0].breaker == BreakerState::open);
  CHECK(status().endpoints[0].failures == 2);
  CHECK(status().endpoints[0].last_error == "no route to host");
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: it tells once that it was asked to slow down") {
  peer.on_event = [](const Event&) {
    return Answer{AnswerClass::slow_down, "quota exceeded", seconds(20)};
  };
  publish_events(5);
  run();
  CHECK(std::count(news.begin(), news.end(), "rate_limit peer") == 1);
  run_until(clock.now() + seconds(21));
  CHECK(std::count(news.begin(), news.end(), "rate_limit peer") == 2);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: refusals degrade its health, answers restore it") {
  answer_all(AnswerClass::suspect);
  publish_events(1);
  run();
  CHECK(status().health == Health::degraded);
  CHECK(status().score < 100);
  CHECK(was_told("degraded peer"));
  answer_all(AnswerClass::acknowledged);
  publish_events(25);
  run();
  CHECK(status().health == Health::healthy);
  CHECK(status().score == 100);
  CHECK(was_told("restored peer"));
  peer.drop();
  run();
  CHECK(status().health == Health::down);
  CHECK(status().score == 0);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: each call to the world is a row of the audit") {
  publish_events(3);
  run();
  CHECK(audited() == Texts{"connect ok 0", "send ok 3"});
  answer_all(AnswerClass::suspect);
  publish_events(1);
  run();
  CHECK(audited() == Texts{"send suspect 1"});
  peer.answer_nothing();
  publish_events(2);
  run();
  peer.drop();
  run();
  CHECK(audited() == Texts{"send link_down 2", "disconnect link_down 0"});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: rows and log lines of a connection share its number") {
  publish_events(1);
  run();
  peer.drop();
  run();
  run_after(seconds(1));
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].correlation == "cloud-1-1");
  CHECK(rows[1].correlation == "cloud-1-2");
  CHECK(rows[3].correlation == "cloud-2-1");
  CHECK(rows[1].uplink == "cloud");
  CHECK(rows[1].address == "fake://peer");
  const auto is_of_second = [](const std::string& line) { return line.find("cloud-2-") == 0; };
  CHECK(std::count_if(logger.lines.begin(), logger.lines.end(), is_of_second) == 2);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: the times of its answers are counted") {
  peer.answer_nothing();
  publish_events(2);
  run();
  clock.advance(milliseconds(10));
  peer.answer(1);
  peer.answer(2);
  run();
  const Histogram times = status().answer_times;
  CHECK(times.counts[2] == 2);  // 4 ms to 16 ms
  CHECK(times.sum == milliseconds(20));
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: without anyone to tell it works as well") {
  has_hooks = false;
  publish_events(1);
  run();
  peer.drop();
  run();
  run_after(seconds(1));
  CHECK(floor() == 1);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: connections that TLS refuses are counted, and no others") {
  peer.refusal = Answer{AnswerClass::link_down, "TLS: of another name", {}};
  peer.refusal->is_tls = true;
  run();
  CHECK(status().tls_failures == 1);
  peer.refusal->is_tls = false;
  run_after(seconds(1));
  CHECK(status().tls_failures == 1);
}

}  // namespace
}  // namespace edgepost
