#pragma once

#include <doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "platform/platform.hpp"
#include "store/connection.hpp"
#include "store/dead_letters.hpp"
#include "store/dead_walk.hpp"
#include "store/schema.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// A database with the streams `alarms` (2) and `outbox` (1), and dead letters put in by hand.
struct DeadFixture {
  DeadFixture() {
    REQUIRE(store::migrate(db, *complete(Platform{}).random).is_ok());
    run("INSERT INTO edgepost_stream (name) VALUES ('outbox'), ('alarms')");
  }

  static store::Connection opened(const std::string& path) {
    auto connection = store::Connection::open(path, "", store::Connection::Mode::read_write);
    REQUIRE(connection.is_ok());
    return std::move(*connection);
  }

  void run(const char* sql) {
    const Status status = db.run(sql);
    INFO(status.message());
    REQUIRE(status.is_ok());
  }

  static Event event(std::uint64_t sequence) {
    Event event{.topic = "t", .data = std::to_string(sequence)};
    event.time = Timestamp{};
    event.sequence = sequence;
    return event;
  }

  void put(std::uint64_t sequence, const std::string& reason = "refused",
           const std::string& consumer = "cloud", std::uint32_t stream = 1,
           bool is_counted = true) {
    const DeadLetter letter{"", consumer, event(sequence), reason, 3, "first", "last"};
    REQUIRE(store::insert_dead(db, stream, letter, is_counted, {}).is_ok());
  }

  store::DeadWalk walk(const DeadLetterQuery& query = {}) {
    auto walk = store::DeadWalk::begin(db, query);
    REQUIRE(walk.is_ok());
    return std::move(*walk);
  }

  std::uint64_t requeue(const DeadLetterQuery& query = {}) {
    const auto count = walk(query).requeue(db, 1'000);
    REQUIRE(count.is_ok());
    return *count;
  }

  std::uint64_t purge(const DeadLetterQuery& query = {}) {
    const auto count = walk(query).purge(db, 1'000);
    REQUIRE(count.is_ok());
    return *count;
  }

  std::vector<DeadLetter> letters(const DeadLetterQuery& query = {}) {
    std::vector<DeadLetter> letters;
    REQUIRE(walk(query).list(db, {}, 1'000, letters).is_ok());
    return letters;
  }

  std::vector<std::uint64_t> sequences(const DeadLetterQuery& query = {}) {
    std::vector<std::uint64_t> sequences;
    for (const DeadLetter& letter : letters(query))
      sequences.push_back(letter.event.sequence);
    return sequences;
  }

  std::vector<DeadLetterGroup> groups(const DeadLetterQuery& query = {}) {
    auto groups = store::dead_letter_groups(db, query);
    REQUIRE(groups.is_ok());
    return std::move(*groups);
  }

  store::DeadCounters counters(std::uint32_t stream = 1) {
    const auto counters = store::dead_counters(db, stream);
    REQUIRE(counters.is_ok());
    return *counters;
  }

  TempDir dir;
  store::Connection db = opened(dir.file("gateway.db"));
};

}  // namespace edgepost::test
