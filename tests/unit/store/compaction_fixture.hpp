#pragma once

#include <doctest.h>
#include <sqlite3.h>

#include <map>
#include <string>
#include <vector>

#include "store/connection.hpp"
#include "support/gateway_fixture.hpp"
#include "support/sql.hpp"

namespace edgepost::test {

using Texts = std::vector<std::string>;

/// A gateway whose stream keeps so many events of each key, and what it should keep.
struct Compacting : GatewayFixture {
  void open_keeping(std::uint32_t count) {
    open();
    kept = count;
    REQUIRE(gateway->change_stream({.name = "outbox", .max_per_key = count}).is_ok());
  }

  void note(const std::string& key, const std::string& data) {
    Texts& newest = model[key];
    newest.push_back(data);
    if (newest.size() > kept) newest.erase(newest.begin());
  }

  [[nodiscard]] Event update(int number, int keys) const {
    return {.topic = "t",
            .data = std::to_string(number) + std::string(padding, '.'),
            .key = "key-" + std::to_string(number % keys)};
  }

  // Updates `keys` keys in turn, `together` in each commit.
  void put_many(int from, int to, int keys, int together = 1) {
    for (int first = from; first <= to; first += together) {
      REQUIRE(gateway
                  ->transact([&](Transaction& transaction) {
                    for (int i = first; i < first + together && i <= to; ++i) {
                      const Event event = update(i, keys);
                      if (const auto done = transaction.publish(event); !done) return done.status();
                      note(event.key, event.data);
                    }
                    return Status();
                  })
                  .is_ok());
    }
  }

  // What a consumer gets, acknowledging as it goes; by key.
  std::map<std::string, Texts> drain(Consumer& from) {
    std::map<std::string, Texts> got;
    std::uint64_t last = 0;
    while (true) {
      const auto events = from.fetch({.events = 7, .bytes = 1U << 20U});
      REQUIRE(events.is_ok());
      if (events->empty()) return got;
      for (const Event& event : *events) {
        CHECK(event.sequence > last);
        last = event.sequence;
        got[event.key].push_back(event.data);
        REQUIRE(from.acknowledge(event.sequence).is_ok());
      }
    }
  }

  std::int64_t rows() {
    auto connection =
        store::Connection::open(options.database, "", store::Connection::Mode::read_only);
    REQUIRE(connection.is_ok());
    const auto count = connection->integer("SELECT count(*) FROM edgepost_segment_1");
    REQUIRE(count.is_ok());
    return *count;
  }

  // Runs SQL on the closed database behind the library's back.
  void sql(const std::string& text) const { test::sql(options.database, text); }

  std::uint32_t kept = 1;
  std::size_t padding = 500;
  std::map<std::string, Texts> model;
};

}  // namespace edgepost::test
