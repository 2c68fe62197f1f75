#include "uplink/lane.hpp"

#include <doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace edgepost {
namespace {

using std::chrono::seconds;
using Sequences = std::vector<std::uint64_t>;

struct LaneFixture {
  // Adds events with these keys, numbered on from the last one.
  void add(const std::vector<std::string>& keys) {
    std::vector<Event> events;
    for (const std::string& key : keys) {
      Event event;
      event.key = key;
      event.data = "x";
      event.sequence = ++last;
      events.push_back(std::move(event));
    }
    lane.add(std::move(events));
  }
  // Takes all that may be sent now. A slot is known by its event's sequence, less one.
  Sequences send() {
    Sequences sent;
    while (const auto slot = lane.take(now))
      sent.push_back(lane.event(*slot).sequence);
    return sent;
  }
  void acknowledge(std::uint64_t sequence) { CHECK(lane.acknowledge(sequence - 1) == sequence); }
  void refuse(std::uint64_t sequence, Duration delay) { lane.retry(sequence - 1, now + delay); }

  Lane lane{1'024};
  std::uint64_t last = 0;
  Instant now = Instant(seconds(100));
};

TEST_CASE_FIXTURE(LaneFixture, "lane: events leave in the order in which they came, once") {
  add({"a", "", "b"});
  add({"a"});
  CHECK(send() == Sequences{1, 2, 3, 4});
  CHECK(send() == Sequences{});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: a refused event is sent again when its delay is over") {
  add({"a"});
  send();
  refuse(1, seconds(5));
  CHECK(send() == Sequences{});
  CHECK(lane.retry_at() == now + seconds(5));
  now += seconds(5);
  CHECK(send() == Sequences{1});
  acknowledge(1);
  CHECK(send() == Sequences{});
  CHECK(lane.retry_at() == Instant::max());
}

TEST_CASE_FIXTURE(LaneFixture, "lane: others go on past a refused event") {
  add({"a", "b"});
  send();
  refuse(1, seconds(5));
  add({"b", "c", ""});
  CHECK(send() == Sequences{3, 4, 5});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: later events of the key wait behind a refused one [P-10]") {
  add({"a"});
  send();
  refuse(1, seconds(5));
  add({"a", "a"});
  CHECK(send() == Sequences{});
  now += seconds(5);
  CHECK(send() == Sequences{1});
  acknowledge(1);
  CHECK(send() == Sequences{2});
  acknowledge(2);
  CHECK(send() == Sequences{3});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: events without a key wait for nobody") {
  add({"", ""});
  send();
  refuse(1, seconds(5));
  refuse(2, seconds(2));
  add({""});
  CHECK(send() == Sequences{3});
  now += seconds(2);
  CHECK(send() == Sequences{2});
  now += seconds(3);
  CHECK(send() == Sequences{1});
}

TEST_CASE_FIXTURE(LaneFixture,
                  "lane: refused events of one key are retried in their order [P-10]") {
  add({"a", "a", "a"});
  send();
  refuse(3, seconds(1));
  refuse(1, seconds(5));
  now += seconds(5);
  CHECK(send() == Sequences{});  // 2 is still on its way
  refuse(2, seconds(5));
  CHECK(send() == Sequences{1});
  acknowledge(1);
  CHECK(send() == Sequences{});
  now += seconds(5);
  CHECK(send() == Sequences{2});
  acknowledge(2);
  CHECK(send() == Sequences{3});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: an answer to an earlier event does not cut a delay short") {
  add({"a", "a"});
  send();
  refuse(2, seconds(5));
  acknowledge(1);
  CHECK(send() == Sequences{});
  CHECK(lane.retry_at() == now + seconds(5));
}

TEST_CASE_FIXTURE(LaneFixture, "lane: once its key is through, events flow freely again") {
  add({"a"});
  send();
  refuse(1, Duration::zero());
  CHECK(send() == Sequences{1});
  acknowledge(1);
  add({"a", "a"});
  CHECK(send() == Sequences{2, 3});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: refusals are counted for each event") {
  add({"a", "b"});
  send();
  CHECK(lane.count_refusal(0) == 0);
  CHECK(lane.count_refusal(0) == 1);
  CHECK(lane.count_refusal(1) == 0);
}

TEST_CASE_FIXTURE(LaneFixture, "lane: behind a refused event at most 1,024 are held [P-20]") {
  add({"a"});
  send();
  refuse(1, seconds(5));
  for (std::uint64_t sequence = 2; lane.has_room(); ++sequence) {
    add({"b"});
    CHECK(send() == Sequences{sequence});
    acknowledge(sequence);
  }
  CHECK(last == 1'024);
  now += seconds(5);
  CHECK(send() == Sequences{1});
  acknowledge(1);
  CHECK(lane.has_room());
}

TEST_CASE_FIXTURE(LaneFixture, "lane: large events are held up to 1 MiB [P-20]") {
  std::vector<Event> events(4);
  for (Event& event : events) {
    event.data.assign(256 * 1024, 'x');
    event.sequence = ++last;
  }
  lane.add(std::move(events));
  CHECK_FALSE(lane.has_room());
  send();
  acknowledge(3);
  CHECK(lane.has_room());
}

TEST_CASE_FIXTURE(LaneFixture, "lane: cleared, it begins anew with what is added") {
  add({"a", "a", "b"});
  send();
  refuse(1, seconds(5));
  lane.clear();
  CHECK(lane.retry_at() == Instant::max());
  last = 0;
  add({"a", "a", "b"});
  CHECK(send() == Sequences{1, 2, 3});
}

}  // namespace
}  // namespace edgepost
