#include "uplink/uplink.hpp"

#include <doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "uplink_fixture.hpp"

namespace edgepost {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using test::UplinkFixture;

using Sizes = std::vector<std::size_t>;
using Reasons = std::vector<std::string>;

// An upstream that takes requests of many events, as HTTP does.
struct RequestsFixture : UplinkFixture {
  RequestsFixture() {
    peer.limits.batch_events_max = 100;
    policy.batch_events = 8;
    policy.max_deliver = 3;
  }
  // Requests with this event are refused as a whole.
  void refuse_with(std::uint64_t sequence, AnswerClass meaning) {
    peer.on_request = [=, this](std::span<const Outbound> events) {
      const bool is_bad = std::any_of(events.begin(), events.end(), [=](const Outbound& outbound) {
        return outbound.event->sequence == sequence;
      });
      if (is_bad && events.size() == 1) ++alone;
      return Answer{is_bad ? meaning : AnswerClass::acknowledged, "bad field", {}};
    };
  }
  int alone = 0;
};

TEST_CASE_FIXTURE(RequestsFixture, "uplink: events share a request, one request at a time") {
  publish_events(20);
  run();
  CHECK(peer.requests == Sizes{8, 8});
  run_after(policy.linger);
  CHECK(peer.requests == Sizes{8, 8, 4});
  CHECK(peer.in_flight_max == 8);
  CHECK(floor() == 20);
}

TEST_CASE_FIXTURE(RequestsFixture, "uplink: what lingers is joined by what comes") {
  run();
  publish_events(1);
  run();
  run_after(milliseconds(30));
  publish_events(1);
  run();
  CHECK(peer.requests.empty());
  run_after(milliseconds(20));
  CHECK(peer.requests == Sizes{2});
}

TEST_CASE_FIXTURE(RequestsFixture, "uplink: what lingers does so apart from other routes") {
  policy.inbox = "inbox";  // comes from anywhere, and has nothing to send
  policy.failover.residency = {{"outbox", "eu"}};
  peer_tags = {"eu"};
  run();
  publish_events(1);
  run();
  run_after(policy.linger);
  CHECK(peer.requests == Sizes{1});
}

TEST_CASE_FIXTURE(RequestsFixture, "uplink: what is too large together goes in parts, untried") {
  peer.on_request = [](std::span<const Outbound> events) {
    return Answer{
        events.size() > 3 ? AnswerClass::too_large : AnswerClass::acknowledged, "413", {}};
  };
  publish_events(8);
  run();
  CHECK(peer.requests == Sizes{8, 4, 2, 2, 2, 2});
  CHECK(floor() == 8);
  CHECK(status().refused == 0);
}

TEST_CASE_FIXTURE(RequestsFixture, "uplink: one that is too large alone becomes a dead letter") {
  refuse_with(3, AnswerClass::too_large);
  publish_events(8);
  run();
  run_after(seconds(1));
  CHECK(alone == 1);
  CHECK(dead() == Reasons{"too_large"});
  CHECK(floor() == 8);
}

TEST_CASE_FIXTURE(RequestsFixture,
                  "uplink: the poison of a request is found, and dies alone [P-11]") {
  refuse_with(5, AnswerClass::suspect);
  publish_events(16);
  for (int i = 0; i < 20; ++i)
    run_after(seconds(1));
  CHECK(alone == 3);
  CHECK(status().refused == 3);
  CHECK(dead() == Reasons{"max_deliver"});
  CHECK(floor() == 16);
  Sequences all = received();
  for (std::uint64_t sequence = 9; sequence <= 16; ++sequence)
    CHECK(std::count(all.begin(), all.end(), sequence) == 1);
}

TEST_CASE_FIXTURE(RequestsFixture,
                  "uplink: an answer about the endpoint blocks it, and kills none") {
  refuse_with(1, AnswerClass::configuration);
  publish_events(3);
  run();
  run_after(policy.linger);
  CHECK(status().state == UplinkState::blocked);
  CHECK(status().lag == 3);
  CHECK(status().refused == 0);
  CHECK(was_told("configuration peer"));
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: an upstream that refuses everything kills nothing [P-14]") {
  policy.max_deliver = 2;
  answer_all(AnswerClass::suspect);
  publish_keys({"a", "b", "c", "d", "e"});
  run();
  peer.in_flight_max = 0;
  for (int i = 0; i < 60; ++i)
    run_until(clock.now() + minutes(1));
  CHECK(dead().empty());
  CHECK(peer.in_flight_max == 1);
  CHECK(peer.received.size() < 1'000);  // it is left in peace
  answer_all(AnswerClass::acknowledged);
  run_until(clock.now() + minutes(10));
  CHECK(floor() == 5);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: poison that is alone of its key dies, and frees it [P-11]") {
  policy.max_deliver = 3;
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1;
    return Answer{is_bad ? AnswerClass::suspect : AnswerClass::acknowledged, "bad field", {}};
  };
  publish_keys({"a", "a", "a"});
  run_until(clock.now() + minutes(1));
  CHECK(received() == Sequences{1, 1, 1});
  CHECK(dead() == Reasons{"max_deliver"});
  run();
  CHECK(received() == Sequences{2, 3});
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: poison at the head of each key dies where others have passed [P-11]") {
  policy.max_deliver = 3;
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1 || event.sequence == 4 || event.sequence == 5;
    return Answer{is_bad ? AnswerClass::suspect : AnswerClass::acknowledged, "bad field", {}};
  };
  publish_keys({"a", "b", "c", "b", "c", "a", "b", "c"});
  for (int i = 0; i < 15; ++i) {
    run_until(clock.now() + minutes(1));
    REQUIRE(gateway->flush().is_ok());  // what is given up frees its key when it is stored
  }
  CHECK(dead() == Reasons{"max_deliver", "max_deliver", "max_deliver"});
  CHECK(floor() == 8);
}

// An upstream that hangs up instead of refusing; what comes behind that is lost.
struct HangupFixture : UplinkFixture {
  void hang_up_at(std::function<bool(const Event&)> is_bad) {
    peer.on_event = [this, is_bad](const Event& event) -> std::optional<Answer> {
      if (lost == peer.connects) return std::nullopt;
      if (!is_bad(event)) return Answer{};
      lost = peer.connects;
      ++hangups;
      peer.drop();
      return std::nullopt;
    };
  }
  int lost = 0;  // the connection
  int hangups = 0;
};

TEST_CASE_FIXTURE(HangupFixture,
                  "uplink: an event at which the link dies each time dies alone [P-11]") {
  hang_up_at([](const Event& event) { return event.sequence == 30 || event.sequence == 60; });
  publish_events(100);
  run_until(clock.now() + minutes(1));
  CHECK(dead() == Reasons{"max_deliver", "max_deliver"});
  CHECK(floor() == 100);
  CHECK(status().acknowledged == 98);
  CHECK(status().endpoints.front().trips == 0);
  CHECK(hangups <= 16);
}

TEST_CASE_FIXTURE(HangupFixture,
                  "uplink: it is found behind all those that stand before it by key [P-11]") {
  hang_up_at([](const Event& event) { return event.key == "log"; });
  const auto publish_readings = [this] {
    for (int i = 0; i < 30; ++i)
      publish_keys({"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
  };
  publish_readings();
  publish_keys({"log"});
  publish_readings();
  run_until(clock.now() + seconds(20));
  CHECK(dead() == Reasons{"max_deliver"});
  CHECK(floor() == 601);
  CHECK(status().endpoints.front().trips == 0);
  CHECK(hangups <= 8);
}

TEST_CASE_FIXTURE(HangupFixture,
                  "uplink: in requests as well, an event at which the link dies is found [P-11]") {
  peer.limits.batch_events_max = 100;
  policy.batch_events = 8;
  peer.on_request = [this](std::span<const Outbound> events) -> std::optional<Answer> {
    const bool is_bad = std::any_of(events.begin(), events.end(), [](const Outbound& outbound) {
      return outbound.event->sequence == 30;
    });
    if (is_bad) peer.drop();
    return is_bad ? std::nullopt : std::optional(Answer{});
  };
  publish_events(100);
  run_until(clock.now() + minutes(1));
  CHECK(dead() == Reasons{"max_deliver"});
  CHECK(floor() == 100);
}

TEST_CASE_FIXTURE(HangupFixture, "uplink: an upstream that always hangs up kills none [P-14]") {
  hang_up_at([](const Event&) { return true; });
  policy.max_deliver = 1;
  publish_keys({"a", "b", "a", "c", "", ""});
  run_until(clock.now() + std::chrono::hours(2));
  CHECK(dead().empty());
  CHECK(hangups < 150);  // it is left in peace
  answer_all(AnswerClass::acknowledged);
  run_until(clock.now() + minutes(6));
  CHECK(floor() == 6);
}

TEST_CASE_FIXTURE(HangupFixture, "uplink: a link that is cut now and then kills none [P-14]") {
  int sent = 0;
  hang_up_at([&sent](const Event&) { return ++sent % 3 == 0; });
  publish_events(200);
  run_until(clock.now() + std::chrono::hours(8));
  CHECK(dead().empty());
  CHECK(floor() == 200);
}

TEST_CASE_FIXTURE(HangupFixture, "uplink: without others the event is kept, and backs off [P-31]") {
  hang_up_at([](const Event& event) { return event.sequence == 1; });
  publish_events(1);
  run_until(clock.now() + std::chrono::hours(1));
  CHECK(dead().empty());
  CHECK(hangups < 30);
  for (int i = 0; i < 10; ++i) {
    publish_events(1);
    run_until(clock.now() + minutes(6));
  }
  CHECK(dead() == Reasons{"max_deliver"});
  CHECK(floor() == 11);
}

TEST_CASE_FIXTURE(HangupFixture, "uplink: without a limit of tries it backs off [P-31]") {
  policy.max_deliver = 0;
  hang_up_at([](const Event& event) { return event.sequence == 1; });
  for (int i = 0; i < 360; ++i) {
    publish_events(10);
    run_until(clock.now() + seconds(10));
  }
  CHECK(dead().empty());
  CHECK(hangups < 40);
  CHECK(status().lag == 3600);
  CHECK(status().acknowledged == 3599);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a conflict is a dead letter, a duplicate is none") {
  peer.on_event = [](const Event& event) {
    Answer answer{
        event.sequence == 1 ? AnswerClass::conflict : AnswerClass::acknowledged, "409", {}};
    answer.is_duplicate = event.sequence == 2;
    return answer;
  };
  publish_events(3);
  run();
  run_after(seconds(1));
  CHECK(dead() == Reasons{"conflict"});
  CHECK(floor() == 3);
  CHECK(status().duplicates == 1);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a topic that is not permitted is that event's matter") {
  peer.on_event = [](const Event& event) {
    const bool is_bad = event.sequence == 1;
    return Answer{is_bad ? AnswerClass::configuration : AnswerClass::acknowledged, "0x87", {}};
  };
  publish_events(2);
  run();
  CHECK(status().state == UplinkState::online);
  CHECK(received() == Sequences{1, 2});
  CHECK(status().refused == 1);
}

TEST_CASE_FIXTURE(UplinkFixture,
                  "uplink: a hook may hold back an event and with it its key [P-10]") {
  bool is_held = true;
  policy.max_in_flight_per_key = 2;
  policy.before_send = [&is_held](const Event& event) -> SendDecision {
    if (event.sequence == 1 && is_held) return {.kind = SendDecision::Kind::hold};
    return {};
  };
  publish_keys({"a", "a", "b"});
  run();
  CHECK(received() == Sequences{3});
  run_after(seconds(1));
  CHECK(received().empty());
  is_held = false;
  run_after(seconds(1));
  CHECK(received() == Sequences{1, 2});
  CHECK(floor() == 3);
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: a hook may drop an event, which becomes a dead letter") {
  policy.before_send = [](const Event& event) -> SendDecision {
    if (event.key != "noise") return {};
    return {.kind = SendDecision::Kind::drop, .reason = "below the threshold"};
  };
  publish_keys({"noise", "a"});
  run();
  run_after(seconds(1));
  CHECK(received() == Sequences{2});
  CHECK(dead() == Reasons{"hook"});
}

TEST_CASE_FIXTURE(UplinkFixture, "uplink: what comes in is stored by the gateway, then confirmed") {
  std::string from;
  receive = [&from](std::string_view address, std::span<Received> received) -> Result<InboxCount> {
    from = address;
    if (received.front().event.data == "full") return Status(Code::full, "the inbox is full");
    return InboxCount{.stored = 1, .again = 2, .refused = 3};
  };
  run();
  peer.deliver({.topic = "command", .data = "restart"});
  run();
  CHECK(peer.received_status.is_ok());
  CHECK(from == "fake://peer");
  CHECK(status().received == 1);
  CHECK(status().received_again == 2);
  CHECK(status().received_refused == 3);
  peer.deliver({.topic = "command", .data = "full"});
  run();
  CHECK(peer.received_status.code() == Code::full);
}

}  // namespace
}  // namespace edgepost
