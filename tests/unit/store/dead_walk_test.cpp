#include "store/dead_walk.hpp"

#include <doctest.h>

#include "unit/store/dead_fixture.hpp"

using namespace edgepost;
using namespace edgepost::store;
using test::DeadFixture;
using Sequences = std::vector<std::uint64_t>;

TEST_CASE_FIXTURE(DeadFixture, "dead walk: it goes by name of the stream, then by sequence") {
  put(2);
  put(1);
  put(9, "refused", "cloud", 2);  // of `alarms`
  CHECK(sequences() == Sequences{9, 1, 2});
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: a query restricts by each of its fields") {
  put(1);
  put(2, "max_deliver");
  put(3, "refused", "other");
  put(4, "refused", "cloud", 2);
  CHECK(sequences({.stream = "outbox"}) == Sequences{1, 2, 3});
  CHECK(sequences({.consumer = "other"}) == Sequences{3});
  CHECK(sequences({.reason = "max_deliver"}) == Sequences{2});
  CHECK(sequences({.sequences = {4, 1, 1, 77, ~std::uint64_t{0}}}) == Sequences{4, 1});
  CHECK(sequences({.stream = "outbox", .consumer = "cloud", .sequences = {1, 3}}) == Sequences{1});
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: an unknown stream is not found") {
  CHECK(DeadWalk::begin(db, {.stream = "nope"}).status().code() == Code::not_found);
  CHECK(dead_letter_groups(db, {.stream = "nope"}).status().code() == Code::not_found);
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: it goes on where it stopped") {
  for (std::uint64_t sequence = 1; sequence <= 5; ++sequence) {
    put(sequence, "refused", "a");
    put(sequence, "refused", "b");
  }
  put(1, "refused", "a", 2);
  for (const DeadLetterQuery& query :
       {DeadLetterQuery{}, DeadLetterQuery{.sequences = {1, 2, 3, 4, 5}}}) {
    DeadWalk walk = this->walk(query);
    std::vector<DeadLetter> got;
    for (std::size_t steps = 1; !walk.is_over(); ++steps) {
      REQUIRE(walk.list(db, {}, 2, got).is_ok());
      REQUIRE(steps < 20);
    }
    CHECK(got.size() == 11);
  }
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: requeue and purge work through all in short steps") {
  for (std::uint64_t sequence = 1; sequence <= 7; ++sequence)
    put(sequence);
  DeadWalk some = walk();
  CHECK(*some.requeue(db, 3) == 3);
  CHECK(*some.requeue(db, 3) == 3);
  CHECK(*some.requeue(db, 3) == 1);
  CHECK(some.is_over());
  CHECK(requeue() == 0);
  DeadWalk all = walk();
  CHECK(*all.purge(db, 4) == 4);
  CHECK(*all.purge(db, 4) == 3);
  CHECK(letters().empty());
  CHECK(counters() == DeadCounters{0, 0, 7});
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: groups are kept without counting rows, until empty") {
  put(1);
  put(2);
  put(3, "max_deliver");
  REQUIRE(requeue({.sequences = {1}}) == 1);
  auto known = groups();
  REQUIRE(known.size() == 2);
  CHECK(known[0].reason == "max_deliver");
  CHECK(known[1].dead == 1);
  CHECK(known[1].requeued == 1);
  run("DELETE FROM edgepost_dead WHERE sequence = 2");  // behind the groups' back
  CHECK(groups({.reason = "refused"}).front().dead == 1);
  CHECK(purge({.reason = "max_deliver"}) == 1);
  CHECK(groups().size() == 1);
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: groups of single sequences are counted") {
  put(1);
  put(2);
  put(3, "max_deliver");
  REQUIRE(requeue({.sequences = {1}}) == 1);
  const auto known = groups({.sequences = {1, 2}});
  REQUIRE(known.size() == 1);
  CHECK(known[0].dead == 1);
  CHECK(known[0].requeued == 1);
}

TEST_CASE_FIXTURE(DeadFixture, "dead walk: a damaged one is named and hides no other") {
  put(1);
  put(2);
  run("UPDATE edgepost_dead SET data = x'00112233445566' WHERE sequence = 1");
  DeadWalk walk = this->walk();
  std::vector<DeadLetter> got;
  REQUIRE(walk.list(db, {}, 10, got).is_ok());
  REQUIRE(got.size() == 1);
  CHECK(got.front().event.sequence == 2);
  CHECK(walk.damage().code() == Code::corrupt);
  CHECK(walk.damage().message().find("outbox, sequence 1") != std::string::npos);
  CHECK(requeue() == 1);  // not the damaged one
  CHECK(purge() == 2);    // which can be purged
}
