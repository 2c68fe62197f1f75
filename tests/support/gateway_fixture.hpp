#pragma once

#include <doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/gateway.hpp"
#include "support/fake_clock.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// A gateway with one stream, `outbox`, that takes every topic, on a database of its own. Time
/// moves only when the test says so.
struct GatewayFixture {
  GatewayFixture() {
    options.database = dir.file("gateway.db");
    options.device_id = "gw-1";
    options.platform.clock = &clock;
    options.reserve_bytes = 0;  // the disk is not full, and writing one takes its time
  }

  /// Opens (again) with `options`.
  Gateway& open() {
    gateway.reset();
    auto opened = Gateway::open(options);
    INFO(opened.status().message());
    REQUIRE(opened.is_ok());
    gateway = std::move(*opened);
    if (options.access == Access::own) {
      REQUIRE(gateway->create_stream({.name = "outbox"}).is_ok());
      REQUIRE(gateway->route("#", "outbox").is_ok());
    }
    return *gateway;
  }

  void close() { gateway.reset(); }

  Receipt publish(const std::string& data, Durability durability = Durability::stored) {
    auto receipt = gateway->publish({.topic = "sensor/1", .data = data}, durability);
    INFO(receipt.status().message());
    REQUIRE(receipt.is_ok());
    return *receipt;
  }

  void publish_many(int from, int to) {
    for (int i = from; i <= to; ++i)
      publish(std::to_string(i));
  }

  Consumer consumer(const std::string& name = "cloud") {
    auto opened = gateway->consumer("outbox", {.name = name});
    INFO(opened.status().message());
    REQUIRE(opened.is_ok());
    return std::move(*opened);
  }

  static std::vector<std::string> data_of(const std::vector<Event>& events) {
    std::vector<std::string> data;
    for (const Event& event : events)
      data.push_back(event.data);
    return data;
  }

  std::vector<std::string> fetch(Consumer& from, std::size_t count) {
    auto events = from.fetch({.events = count, .bytes = 1U << 20U});
    INFO(events.status().message());
    REQUIRE(events.is_ok());
    return data_of(*events);
  }

  std::vector<std::string> stored() {
    auto events =
        gateway->read("outbox", Position::start(), {.events = 1'000'000, .bytes = 1U << 30U});
    INFO(events.status().message());
    REQUIRE(events.is_ok());
    return data_of(*events);
  }

  StreamStatus outbox() {
    const GatewayStatus status = gateway->status();
    REQUIRE(status.streams.size() >= 1);
    return status.streams.front();
  }

  void check_sound() {
    auto report = gateway->verify();
    REQUIRE(report.is_ok());
    CHECK(report->problems == std::vector<std::string>{});
  }

  TempDir dir;
  FakeClock clock;
  GatewayOptions options;
  std::unique_ptr<Gateway> gateway;
};

/// True when the ledger balances.
inline bool balances(const Ledger& ledger) {
  return ledger.published == ledger.acknowledged + ledger.pending + ledger.expired +
                                 ledger.dropped.total() + ledger.dead;
}

}  // namespace edgepost::test
