#include "store/delivery.hpp"

#include <doctest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delivery_fixture.hpp"
#include "delivery_model.hpp"

namespace edgepost::store {
namespace {

using std::chrono::seconds;
using test::DeliveryModel;

constexpr Instant kNever = Instant::max();

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: what waits for nothing is handed out at once") {
  CHECK(add({"a", "", "b", ""}) == Sequences{1, 2, 3, 4});
  CHECK(take() == Sequences{});
  CHECK(delivery->next_due() == kNever);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: one of a key is in flight at a time [P-10]") {
  CHECK(add({"a", "a", "a"}) == Sequences{1});
  CHECK(take() == Sequences{});
  settle(1);
  CHECK(delivery->next_due() == Instant());
  CHECK(take() == Sequences{2});
  settle(2);
  CHECK(take() == Sequences{3});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: more of a key are in flight where that is allowed") {
  options.max_in_flight_per_key = 2;
  restart();
  CHECK(add({"a", "a", "a"}) == Sequences{1, 2});
  fail(1, seconds(5));
  CHECK(take() == Sequences{});  // 3 does not pass 1
  now += seconds(5);
  CHECK(take() == Sequences{1});
  settle(2);
  CHECK(take() == Sequences{3});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: order none lets every event go") {
  options.order = Order::none;
  restart();
  CHECK(add({"a", "a", "a"}) == Sequences{1, 2, 3});
  fail(1, seconds(5));
  CHECK(add({"a"}) == Sequences{4});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: order stream hands out one at a time [P-10]") {
  options.order = Order::stream;
  options.max_in_flight_per_key = 9;
  restart();
  CHECK(add({"a"}) == Sequences{1});
  CHECK_FALSE(delivery->wants(2));
  fail(1, seconds(5));
  CHECK_FALSE(delivery->wants(2));
  now += seconds(5);
  CHECK(take() == Sequences{1});
  settle(1);
  CHECK(delivery->wants(2));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: a refused event comes again when its delay is over") {
  add({"a"});
  fail(1, seconds(5));
  CHECK(take() == Sequences{});
  CHECK(delivery->next_due() == now + seconds(5));
  now += seconds(5);
  CHECK(take() == Sequences{1});
  settle(1);
  CHECK(take() == Sequences{});
  CHECK(delivery->next_due() == kNever);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: others go on past a refused event") {
  add({"a", "b"});
  fail(1, seconds(5));
  CHECK(add({"b", "c", ""}) == Sequences{4, 5});
  settle(2);
  CHECK(take() == Sequences{3});
}

TEST_CASE_FIXTURE(DeliveryFixture,
                  "delivery: later events of the key wait behind a refused one [P-10]") {
  add({"a"});
  fail(1, seconds(5));
  CHECK(add({"a", "a"}) == Sequences{});
  CHECK(take() == Sequences{});
  now += seconds(5);
  CHECK(take() == Sequences{1});
  settle(1);
  CHECK(take() == Sequences{2});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: events without a key wait for nobody") {
  add({"", ""});
  fail(1, seconds(5));
  fail(2, seconds(2));
  CHECK(add({""}) == Sequences{3});
  now += seconds(2);
  CHECK(take() == Sequences{2});
  now += seconds(3);
  CHECK(take() == Sequences{1});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: an event waits for its time, and its key with it") {
  CHECK(add({"a", ""}, seconds(5)) == Sequences{});
  CHECK(add({"a", "b", ""}) == Sequences{4, 5});
  CHECK(delivery->next_due() == now + seconds(5));
  now += seconds(5);
  CHECK(take() == Sequences{1, 2});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: at most the window is in flight [P-20]") {
  options.max_in_flight = 2;
  restart();
  CHECK(add({"", ""}) == Sequences{1, 2});
  CHECK_FALSE(delivery->wants(3));
  fail(1, Duration::zero());
  CHECK(add({""}) == Sequences{3});
  CHECK(take() == Sequences{});
  CHECK(delivery->next_due() == kNever);  // nothing that waits is of use now
  settle(2);
  CHECK(take() == Sequences{1});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: no answer in time counts as a try") {
  options.ack_wait = seconds(10);
  restart();
  add({"a", "b"});
  settle(2);
  CHECK(delivery->next_due() == now + seconds(10));
  now += seconds(9);
  CHECK(take() == Sequences{});
  now += seconds(1);
  CHECK(take() == Sequences{1});
  CHECK(tries(1).attempts == 1);
  CHECK(tries(1).last_error == "no answer within ack_wait");
  CHECK(delivery->next_due() == now + seconds(10));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: released and rewound events do not count [P-14]") {
  options.max_deliver = 1;
  restart();
  add({"a", "a", "b", ""});
  delivery->release(1);
  CHECK(take() == Sequences{1});
  settle(3);
  delivery->rewind();
  CHECK(delivery->in_flight() == 0);
  CHECK(take() == Sequences{1, 4});
  CHECK(tries(1).attempts == 0);
  CHECK(delivery->take_given_up().empty());
}

TEST_CASE_FIXTURE(DeliveryFixture,
                  "delivery: a refused event still waits after the link broke [P-10]") {
  add({"a", "b"});
  fail(1, seconds(5));
  delivery->rewind();
  CHECK(take() == Sequences{2});
  CHECK(delivery->next_due() == now + seconds(5));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: the last try gives the event up") {
  options.max_deliver = 2;
  restart();
  add({"a", "a"});
  fail(1, Duration::zero(), "first");
  CHECK(take() == Sequences{1});
  fail(1, Duration::zero(), "second");
  CHECK(take() == Sequences{});  // its key waits until it is buried
  const auto given_up = delivery->take_given_up();
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].sequence == 1);
  CHECK(given_up[0].reason == "max_deliver");
  CHECK(tries(1).attempts == 2);
  CHECK(tries(1).first_error == "first");
  CHECK(tries(1).last_error == "second");
  CHECK(delivery->is_given_up(1));
  delivery->rewind();
  CHECK(take() == Sequences{});
  settle(1);
  CHECK(take() == Sequences{2});
  CHECK(tries(1).attempts == 0);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: a rejected event is given up at once") {
  add({"a"});
  delivery->reject(1, "refused", "never");
  const auto given_up = delivery->take_given_up();
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].reason == "refused");
  CHECK(tries(1).attempts == 1);
  CHECK(delivery->take_given_up().empty());
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: a late answer settles what waits already") {
  add({"a", "a", ""});
  fail(1, seconds(5));
  fail(3, seconds(5));
  settle(1);
  settle(3);
  CHECK(take() == Sequences{2});
  settle(2);
  settle(2);
  CHECK(delivery->next_due() == kNever);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: it knows what was handed out") {
  add({"a", "a"});
  CHECK(delivery->was_handed_out(1));
  CHECK_FALSE(delivery->was_handed_out(2));
  CHECK_FALSE(delivery->was_handed_out(3));
  settle(1);
  CHECK(delivery->was_handed_out(1));
  CHECK_FALSE(delivery->is_in_flight(1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: dead letters that come back go first [P-10]") {
  add({"a", "a", "b"});
  settle(1);
  delivery->rewind();
  requeue(1, "a");
  CHECK_FALSE(delivery->admit_requeued(Event{.sequence = 1}));
  const auto turn = delivery->take(now);
  REQUIRE(turn.has_value());
  CHECK(turn->sequence == 1);
  CHECK(turn->is_requeued);
  REQUIRE(turn->event.has_value());
  CHECK(take() == Sequences{3});
  CHECK(delivery->is_in_flight(1));
  settle(1);
  CHECK(take() == Sequences{2});
  CHECK_FALSE(delivery->is_requeued(1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: a dead letter that came back can die again") {
  options.max_deliver = 1;
  restart();
  add({"a"});
  settle(1);
  requeue(1, "a");
  CHECK(take() == Sequences{1});
  fail(1, Duration::zero());
  const auto given_up = delivery->take_given_up();
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].is_requeued);
  settle(1);
  CHECK(delivery->in_flight() == 0);
  CHECK(add({"a"}) == Sequences{2});
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: events wait with their data up to 1 MiB [P-20]") {
  add({"a"});
  fail(1, seconds(5));
  for (int i = 0; i < 6; ++i) {
    Event event = make("a");
    event.data.assign(256 * 1024, 'x');
    event.sequence = ++last;
    CHECK_FALSE(delivery->admit(event, seconds(i), now, now));
  }
  CHECK(delivery->held_bytes() <= Delivery::kHeldBytesMax);
  now += seconds(5);
  CHECK(take() == Sequences{1});
  Sequences with_data;
  for (std::uint64_t sequence = 1; sequence < last; ++sequence) {
    settle(sequence);
    const auto turn = delivery->take(now);
    REQUIRE(turn.has_value());
    if (turn->event) {
      CHECK(turn->event->sequence == turn->sequence);
      CHECK(turn->life == seconds(turn->sequence - 2));
      with_data.push_back(turn->sequence);
    }
  }
  CHECK(with_data == Sequences{2, 3, 4});
  CHECK(delivery->held_bytes() == 0);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: at most 65,536 sequences lie behind one that waits") {
  add({"a"});
  fail(1, seconds(5));
  while (delivery->wants(last + 1)) {
    add({""});
    settle(last);
  }
  CHECK(last == Delivery::kSpanMax);
  settle(1);
  CHECK(delivery->wants(last + 1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: it looks past 1,024 that wait for an answer [P-20]") {
  add({"a"});
  while (delivery->wants(last + 1))
    add({"a"});
  CHECK(last == 1 + Delivery::kBusyMax);
  fail(1, seconds(5));  // that may take long: others are looked for
  CHECK(delivery->wants(last + 1));
  now += seconds(5);
  CHECK(take() == Sequences{1});
  CHECK_FALSE(delivery->wants(last + 1));
  settle(1);
  CHECK(delivery->wants(last + 1));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: fresh events pass, and are met again [P-30]") {
  options.max_in_flight = 4;
  restart();
  CHECK(add({"a", "a", "b"}) == Sequences{1, 3});
  CHECK(add_fresh(1'000'000));
  CHECK(delivery->is_fresh(1'000'000));
  CHECK(delivery->is_in_flight(1'000'000));
  CHECK(delivery->was_handed_out(1'000'000));
  CHECK_FALSE(delivery->was_handed_out(999'999));
  CHECK(add_fresh(1'000'002));
  CHECK_FALSE(delivery->wants_fresh());  // the window is one for all
  delivery->rewind();
  CHECK(take() == Sequences{1, 3, 1'000'000, 1'000'002});
  settle(1'000'000);
  CHECK_FALSE(delivery->is_fresh(1'000'000));
  fail(1'000'002, seconds(5));
  now += seconds(5);
  CHECK(take() == Sequences{1'000'002});
  delivery->reject(1'000'002, "refused", "no");
  CHECK(delivery->take_given_up().size() == 1);
  settle(1'000'002);
  CHECK_FALSE(delivery->has_fresh());
  CHECK(delivery->in_flight() == 2);
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: who waits for another cannot be fresh [P-10]") {
  const auto is_free = [this](Order order, const std::string& key) {
    options.order = order;
    restart();
    return delivery->is_free(make(key));
  };
  CHECK(is_free(Order::key, ""));
  CHECK_FALSE(is_free(Order::key, "a"));
  CHECK(is_free(Order::none, "a"));
  CHECK_FALSE(is_free(Order::stream, ""));
}

TEST_CASE_FIXTURE(DeliveryFixture, "delivery: at most 1,024 fresh events are there [P-20]") {
  options.max_in_flight = 10'000;
  restart();
  std::uint64_t sequence = 100'000;
  for (; delivery->wants_fresh(); ++sequence)
    CHECK(add_fresh(sequence));
  CHECK(sequence == 100'000 + Delivery::kFreshMax);
  settle(100'007);
  CHECK(delivery->wants_fresh());
}

TEST_CASE("delivery: it does what a naive model does, whatever happens [P-10]") {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    CAPTURE(seed);
    sim::Draw draw(seed);
    ConsumerOptions options{.name = "c"};
    options.order = static_cast<Order>(draw.below(3));
    options.max_in_flight = 1 + draw.below(8);
    options.max_in_flight_per_key = 1 + draw.below(2);
    options.max_deliver = static_cast<unsigned>(draw.below(4));
    options.ack_wait = seconds(draw.below(2) * draw.below(8));
    DeliveryModel model(options);
    Delivery delivery(options, 1);
    test::Reading read;
    Instant now(seconds(100));
    for (int step = 0; step < 300; ++step) {
      test::do_one(draw, model, delivery, read, now);
      for (bool is_more = draw.below(2) == 0; is_more;) {
        const auto turn = delivery.take(now);
        const auto expected = model.take(now);
        is_more = turn.has_value();
        REQUIRE((turn ? turn->sequence : 0) == expected.value_or(0));
      }
      REQUIRE(delivery.in_flight() == model.in_flight());
    }
  }
}

}  // namespace
}  // namespace edgepost::store
