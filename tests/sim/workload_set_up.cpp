// What the workload has in its gateway: streams, routes, consumers and a subscriber.
#include <sqlite3.h>

#include <set>
#include <utility>

#include "sim/workload.hpp"

namespace edgepost::test {
namespace {

constexpr std::uint64_t kRingEvents = 12;
constexpr std::uint64_t kStateBytes = 8 * 1024;  // so that compaction begins after a few events
constexpr std::size_t kWindow = 4;               // so that consumers are behind at once,
constexpr unsigned kLivePercent = 50;            // and what comes then passes
constexpr int kLogPages = 20;                    // so that a few commits reach a checkpoint

}  // namespace

bool Workload::set_up() {
  if (!set_up_streams() || !set_up_consumers() || !subscribe()) return false;
  const Status shortened = gateway_->transact([](Transaction& transaction) -> Status {
    sqlite3_wal_autocheckpoint(static_cast<sqlite3*>(transaction.native_handle()), kLogPages);
    return {};
  });
  machine_.oracle.heard("setting up", shortened);
  return shortened.is_ok();
}

bool Workload::set_up_streams() {
  Oracle& oracle = machine_.oracle;
  const StreamOptions streams[] = {
      {.name = "outbox"},
      {.name = "tx", .filters = {"tx/#"}},
      {.name = "timed", .filters = {"timed/#"}},
      {.name = "ring",
       .filters = {"ring/#"},
       .retention = Retention::limits,
       .discard = Discard::old_events,
       .max_events = kRingEvents},
      {.name = "state", .filters = {"state/#"}, .max_bytes = kStateBytes, .max_per_key = 1},
  };
  oracle.limited("ring", kRingEvents);
  oracle.replacing("state");
  for (const StreamOptions& options : streams) {
    const Status created = gateway_->create_stream(options);
    oracle.heard("creating a stream", created);
    if (!created.is_ok()) return false;
    oracle.created(options.name);
  }
  for (const auto& [filter, stream] : {std::pair{"outbox/#", "outbox"},
                                       std::pair{"both/#", "outbox"}, std::pair{"both/#", "tx"}}) {
    oracle.heard("routing", gateway_->route(filter, stream));
  }
  return true;
}

bool Workload::set_up_consumers() {
  Oracle& oracle = machine_.oracle;
  const std::pair<const char*, const char*> consumers[] = {{"cloud", "outbox"},
                                                           {"local", "outbox"},
                                                           {"timer", "timed"},
                                                           {"reader", "ring"},
                                                           {"keeper", "state"}};
  for (const auto& [name, stream] : consumers) {
    auto consumer = gateway_->consumer(
        stream, {.name = name, .max_in_flight = kWindow, .live_percent = kLivePercent});
    oracle.heard("creating a consumer", consumer.status());
    if (!consumer) return false;
    oracle.opened(name, stream, consumer->status().floor);
    consumers_.push_back({name, stream, std::move(*consumer)});
  }
  return true;
}

// A handler takes the events of `tx`, some of them at the second try, some only as a dead letter
// that was requeued.
bool Workload::subscribe() {
  Oracle& oracle = machine_.oracle;
  const std::string name = "handler";
  const auto handle = [&oracle, name,
                       failed = std::set<std::uint64_t>()](const Event& event) mutable -> Status {
    oracle.fetched(name, event);
    if (event.sequence % 5 == 0 && failed.insert(event.sequence).second) {
      return {Code::unavailable, "told to fail"};
    }
    if (event.sequence % 7 == 0 && failed.insert(event.sequence).second) {
      oracle.rejected(name, event);
      return {Code::refused, "told to refuse"};
    }
    oracle.took_effect(name, event);
    oracle.acknowledged(name, event.sequence);
    return {};
  };
  const Status added =
      gateway_->add_subscriber({.stream = "tx", .consumer = {.name = name}}, handle);
  oracle.heard("subscribing", added);
  if (!added.is_ok()) return false;
  for (const StreamStatus& stream : gateway_->status().streams) {
    for (const ConsumerStatus& consumer : stream.consumers) {
      if (consumer.name == name) oracle.opened(name, "tx", consumer.floor);
    }
  }
  return true;
}

}  // namespace edgepost::test
