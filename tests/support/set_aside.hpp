#pragma once

#include <doctest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "platform/platform.hpp"
#include "store/consumer_state.hpp"
#include "store/store.hpp"

namespace edgepost::test {

/// A store without a gateway around it, with the stream `outbox`.
inline std::unique_ptr<store::Store> open_store(const GatewayOptions& options,
                                                store::StoreListener listener = {}) {
  GatewayOptions completed = options;
  completed.platform = complete(options.platform);
  if (!listener.on_stored) listener.on_stored = [](store::StreamLog&) {};
  if (!listener.on_due) listener.on_due = [] {};
  auto store = store::Store::open(completed, std::move(listener));
  INFO(store.status().message());
  REQUIRE(store.is_ok());
  if (options.access == Access::own) {
    REQUIRE((*store)->create_stream({.name = "outbox"}).is_ok());
  }
  return std::move(*store);
}

/// An open consumer of `outbox`, as the store sees it.
inline std::shared_ptr<Consumer::State> open_consumer(store::Store& store,
                                                      const std::string& name) {
  REQUIRE(store.consumer("outbox", {.name = name}).is_ok());
  store::StreamLog& outbox = **store.stream("outbox");
  return std::make_shared<Consumer::State>(store, outbox, outbox.cursor(name),
                                           ConsumerOptions{.name = name});
}

/// Lets a consumer give up one stored event; flush() or a step sets it aside.
inline void give_up(store::Store& store, const std::shared_ptr<Consumer::State>& consumer,
                    std::uint64_t sequence, const std::string& reason = "refused") {
  store::ReadPosition position{.next = sequence, .segment = {}};
  std::vector<Event> events;
  const auto none = [](std::uint64_t) { return false; };
  REQUIRE(store.read(consumer->stream, position, {.events = 1}, none, events).is_ok());
  if (events.empty() || events.front().sequence != sequence) {  // requeued
    events = *store.requeued(consumer->stream, *consumer->cursor, sequence - 1, 1);
  }
  REQUIRE(events.size() == 1);
  store.bury({consumer, {events.front(), {}, {}}, reason, 3, "first error", "last error"});
}

/// A database whose `outbox` has `count` events, all of them dead letters of the consumer `cloud`
/// for the reason `refused`, but `max_deliver` for those of even sequence.
inline void make_dead_letters(const GatewayOptions& options, std::uint64_t count) {
  const auto store = open_store(options);
  const auto cloud = open_consumer(*store, "cloud");
  store::StreamLog* const outbox = *store->stream("outbox");
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
    Event event{.topic = "t", .data = std::to_string(sequence), .key = "k", .type = "x"};
    event.source = "/gw";
    event.time = Timestamp{};
    REQUIRE(store->append(std::span(&outbox, 1), event, std::nullopt).is_ok());
    give_up(*store, cloud, sequence, sequence % 2 == 0 ? "max_deliver" : "refused");
  }
  REQUIRE(store->flush().is_ok());
}

}  // namespace edgepost::test
