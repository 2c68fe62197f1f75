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
  void refuse(std::uint64_t sequence, Duration delay) {
    lane.count_refusal(sequence - 1);
    lane.retry(sequence - 1, now + delay);
  }
  // The link breaks: everything that is not acknowledged comes again, from `first` on.
  void read_again(std::uint64_t first, const std::vector<std::string>& keys) {
    lane.clear();
    last = first - 1;
    add(keys);
  }

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
  acknowledge(2);
  lane.clear();
  CHECK(lane.retry_at() == Instant::max());
  last = 0;
  add({"a", "a", "b"});
  CHECK(send() == Sequences{1, 2, 3});
}

TEST_CASE_FIXTURE(LaneFixture, "lane: a refused event still waits after the link broke [P-10]") {
  add({"a", "b", "a"});
  send();
  refuse(1, seconds(5));
  read_again(1, {"a", "b", "a"});
  std::vector<std::uint64_t> slots;
  while (const auto slot = lane.take(now))
    slots.push_back(*slot);
  REQUIRE(slots.size() == 1);
  CHECK(lane.event(slots[0]).sequence == 2);
  CHECK(lane.retry_at() == now + seconds(5));
  now += seconds(5);
  const auto head = lane.take(now);
  REQUIRE(head.has_value());
  CHECK(lane.event(*head).sequence == 1);
  CHECK(lane.count_refusal(*head) == 1);
  CHECK_FALSE(lane.take(now).has_value());
  lane.acknowledge(*head);
  CHECK(lane.event(*lane.take(now)).sequence == 3);
}

TEST_CASE_FIXTURE(LaneFixture, "lane: an earlier event of the key may be refused as well [P-10]") {
  add({"a", "a"});
  send();
  refuse(2, seconds(1));
  refuse(1, seconds(9));
  read_again(1, {"a", "a"});
  CHECK_FALSE(lane.take(now).has_value());
  now += seconds(9);
  const auto first = lane.take(now);
  REQUIRE(first.has_value());
  CHECK(lane.event(*first).sequence == 1);
  lane.acknowledge(*first);
  CHECK(lane.event(*lane.take(now)).sequence == 2);
}

TEST_CASE_FIXTURE(LaneFixture,
                  "lane: an unrefused event before a parked one keeps its place [P-10]") {
  add({"a", "a"});
  send();
  refuse(2, seconds(5));
  lane.acknowledge(0);
  read_again(2, {"a"});
  CHECK_FALSE(lane.take(now).has_value());
  lane.clear();
  last = 0;
  add({"a", "a"});
  const auto first = lane.take(now);
  REQUIRE(first.has_value());
  CHECK_FALSE(lane.take(now).has_value());
  lane.count_refusal(*first);
  lane.retry(*first, now + seconds(1));
  now += seconds(5);
  const auto again = lane.take(now);
  REQUIRE(again.has_value());
  CHECK(lane.event(*again).sequence == 1);
}

}  // namespace
}  // namespace edgepost
