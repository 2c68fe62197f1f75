#include "store/dead_letters.hpp"

#include <doctest.h>

#include "unit/store/dead_fixture.hpp"

using namespace edgepost;
using namespace edgepost::store;
using test::DeadFixture;

TEST_CASE_FIXTURE(DeadFixture, "dead letters: an event keeps id, sequence and story [P-12]") {
  DeadLetter put{"outbox", "cloud", event(7), "max_deliver", 3, "timed out", "broker said 131"};
  put.event.id = *EventId::parse("01890a5d-ac96-774b-bcce-b302099a8057");
  put.event.key = "k";
  REQUIRE(insert_dead(db, 1, put, true, {}).is_ok());
  REQUIRE(letters().size() == 1);
  const DeadLetter got = letters().front();
  CHECK(got.event == put.event);
  CHECK(got.stream == "outbox");
  CHECK(got.consumer == "cloud");
  CHECK(got.reason == "max_deliver");
  CHECK(got.attempts == 3);
  CHECK(got.first_error == "timed out");
  CHECK(got.last_error == "broker said 131");
  CHECK_FALSE(got.is_requeued);
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: the same one is set aside once") {
  put(7);
  put(7);
  CHECK(letters().size() == 1);
  CHECK(groups().front().dead == 1);
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: an error is kept up to 256 bytes, in whole letters") {
  const std::string error = std::string(255, 'x') + "ä";
  const DeadLetter letter{"", "cloud", event(1), "refused", 1, error, error};
  REQUIRE(insert_dead(db, 1, letter, true, {}).is_ok());
  CHECK(letters().front().first_error == std::string(255, 'x'));
  CHECK(letters().front().last_error == std::string(255, 'x'));
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: requeued ones come in order of sequence [P-10]") {
  for (const std::uint64_t sequence : {9U, 3U, 5U})
    put(sequence);
  put(4, "refused", "other");
  CHECK(requeued_events(db, {1, "cloud", 0}, 10)->empty());
  CHECK(requeue({.consumer = "cloud"}) == 3);
  const auto all = requeued_events(db, {1, "cloud", 0}, 2);
  REQUIRE(all->size() == 2);
  CHECK(all->at(0).event == event(3));
  CHECK(all->at(1).event == event(5));
  CHECK(requeued_events(db, {1, "cloud", 5}, 10)->size() == 1);
  CHECK(requeued_events(db, {2, "cloud", 0}, 10)->empty());
  CHECK(requeued_events(db, {1, "cloud", ~std::uint64_t{0}}, 10)->empty());
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: what was delivered after all is gone and counted") {
  put(1);
  put(2);
  REQUIRE(requeue() == 2);
  CHECK(counters() == DeadCounters{2, 0, 0});
  REQUIRE(delete_redelivered(db, {1, "cloud", 1}).is_ok());
  CHECK(counters() == DeadCounters{1, 1, 0});
  CHECK(sequences() == std::vector<std::uint64_t>{2});
  REQUIRE(delete_redelivered(db, {1, "cloud", 1}).is_ok());
  CHECK(counters() == DeadCounters{1, 1, 0});
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: one that fails again is set aside again") {
  put(1);
  REQUIRE(requeue() == 1);
  REQUIRE(bury_again(db, {1, "cloud", 1}, 5, "still no").is_ok());
  const DeadLetter again = letters().front();
  CHECK_FALSE(again.is_requeued);
  CHECK(again.attempts == 8);
  CHECK(again.first_error == "first");
  CHECK(again.last_error == "still no");
  CHECK(counters() == DeadCounters{0, 0, 0});
  CHECK(groups().front().dead == 1);
  CHECK(groups().front().requeued == 0);
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: one purged while it was on its way stays purged") {
  put(1);
  REQUIRE(requeue() == 1);
  REQUIRE(purge() == 1);
  REQUIRE(bury_again(db, {1, "cloud", 1}, 5, "still no").is_ok());
  REQUIRE(delete_redelivered(db, {1, "cloud", 1}).is_ok());
  CHECK(letters().empty());
  CHECK(groups().empty());
  CHECK(counters() == DeadCounters{0, 0, 1});
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: the counters follow those that the books count") {
  put(1, "refused", "cloud", 1, false);
  REQUIRE(requeue() == 1);
  CHECK(counters() == DeadCounters{});
  REQUIRE(delete_redelivered(db, {1, "cloud", 1}).is_ok());
  CHECK(counters() == DeadCounters{});
  put(2, "refused", "cloud", 1, false);
  REQUIRE(purge() == 1);
  CHECK(counters() == DeadCounters{});
  CHECK(groups().empty());
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: counters of an unknown stream are not found") {
  CHECK(dead_counters(db, 9).status().code() == Code::not_found);
}

TEST_CASE_FIXTURE(DeadFixture, "dead letters: a damaged one that is requeued hides no other") {
  put(1);
  put(2);
  REQUIRE(requeue() == 2);
  run("UPDATE edgepost_dead SET data = x'00112233445566' WHERE sequence = 1");
  const auto events = requeued_events(db, {1, "cloud", 0}, 10);
  REQUIRE(events->size() == 1);
  CHECK(events->front().event == event(2));
}
