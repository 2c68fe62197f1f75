#include "bench/workload.hpp"

#include <utility>

namespace edgepost::bench {
namespace {

Event event_of(const std::string& data) {
  return {.topic = "plant/line4/temperature", .data = data};
}

// A function of its own for tools/bench --instructions, which leaves out what a caller does.
[[gnu::noinline]] Status fill(Transaction& transaction, std::size_t group,
                              const std::string& data) {
  for (std::size_t i = 0; i < group; ++i) {
    if (auto receipt = transaction.publish(event_of(data)); !receipt) return receipt.status();
  }
  return {};
}

}  // namespace

std::unique_ptr<Gateway> open_gateway(const std::string& path, const std::string& vfs) {
  GatewayOptions options;
  options.database = path;
  options.platform.vfs = vfs;
  options.device_id = "bench";
  auto gateway = Gateway::open(options);
  EDGEPOST_ASSERT(gateway.is_ok());
  EDGEPOST_ASSERT((*gateway)->create_stream({.name = "outbox"}).is_ok());
  EDGEPOST_ASSERT((*gateway)->route("#", "outbox").is_ok());
  return std::move(*gateway);
}

void publish_group(Gateway& gateway, std::size_t group, const std::string& data) {
  const Status status = group == 1 ? gateway.publish(event_of(data)).status()
                                   : gateway.transact([&](Transaction& transaction) -> Status {
                                       return fill(transaction, group, data);
                                     });
  EDGEPOST_ASSERT(status.is_ok());
}

Consumer open_consumer(Gateway& gateway) {
  auto consumer = gateway.consumer("outbox", {.name = "cloud"});
  EDGEPOST_ASSERT(consumer.is_ok());
  return std::move(*consumer);
}

std::uint64_t drain(Consumer& consumer, const std::function<void()>& after_fetch) {
  std::uint64_t drained = 0;
  for (;;) {
    auto events = consumer.fetch({.events = 100, .bytes = 64 * 1024});
    EDGEPOST_ASSERT(events.is_ok());
    if (events->empty()) return drained;
    if (after_fetch) after_fetch();
    for (const Event& event : *events)
      EDGEPOST_ASSERT(consumer.acknowledge(event.sequence).is_ok());
    drained += events->size();
  }
}

}  // namespace edgepost::bench
