// A durable handler: items of work are done exactly once, by a handler that fails now and then.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <edgepost/gateway.hpp>
#include <string>
#include <thread>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kItems = 40;

Status prepare(Gateway& gateway) {
  Status status = gateway.create_stream({.name = "work", .retention = Retention::work_queue});
  if (status.is_ok()) status = gateway.route("work/#", "work");
  if (!status.is_ok()) return status;
  return gateway.transact([](Transaction& transaction) {
    return transaction.execute("CREATE TABLE IF NOT EXISTS labels(event TEXT, item TEXT)");
  });
}

// The effect and the claim are one transaction: whoever claimed the event has had the effect.
Status print_label(Gateway& gateway, const Event& event) {
  return gateway.transact([&](Transaction& transaction) -> Status {
    const std::string id = event.id.to_string();
    const Result<bool> is_first = transaction.claim("labels", id);
    if (!is_first || !*is_first) return is_first.status();
    return transaction.execute("INSERT INTO labels VALUES (?, ?)",
                               {std::string_view(id), std::string_view(event.data)});
  });
}

// Every fourth call fails before the effect, and every sixth after it, as a crash might.
Status handle(Gateway& gateway, const Event& event, int call) {
  if (call % 4 == 0) return {Code::unavailable, "the printer does not answer"};
  if (Status status = print_label(gateway, event); !status.is_ok()) return status;
  if (call % 6 == 5) return {Code::unavailable, "printed, but the answer got lost"};
  return {};
}

// With a second label for an event there can be no unique index.
bool each_has_one_label(Gateway& gateway) {
  return gateway
      .transact([](Transaction& transaction) -> Status {
        Status status = transaction.execute("CREATE UNIQUE INDEX one ON labels(event)");
        return status.is_ok() ? transaction.execute("DROP INDEX one") : status;
      })
      .is_ok();
}

}  // namespace

int main(int count, char** arguments) {
  const std::string database = count > 1 ? arguments[1] : "work.db";
  auto opened = Gateway::open({.database = database});
  if (!opened || !prepare(**opened).is_ok()) {
    std::fprintf(stderr, "cannot use %s\n", database.c_str());
    return 1;
  }
  Gateway& gateway = **opened;

  SubscriberOptions printer{.stream = "work", .consumer = {.name = "printer"}, .workers = 2};
  printer.consumer.retry = {.initial_delay = 10ms, .max_delay = 50ms};
  std::atomic<int> calls = 0;
  const Status added = gateway.add_subscriber(
      printer, [&](const Event& event) { return handle(gateway, event, ++calls); });
  if (!added.is_ok() || !gateway.start().is_ok()) return 1;

  for (std::uint64_t i = 1; i <= kItems; ++i) {
    if (!gateway.publish({.topic = "work/label", .data = "item " + std::to_string(i)}).is_ok()) {
      return 1;
    }
  }
  // Work goes on in the background; a program of yours would go on, too.
  SubscriberStatus status;
  for (int i = 0; i < 1'000 && status.handled < kItems; ++i) {
    std::this_thread::sleep_for(10ms);
    status = gateway.status().subscribers.front();
  }
  gateway.stop();
  std::printf("%llu items done, %llu calls failed, the last one: %s\n",
              static_cast<unsigned long long>(status.handled),
              static_cast<unsigned long long>(status.failed), status.last_error.c_str());
  return status.handled == kItems && status.failed > 0 && each_has_one_label(gateway) ? 0 : 1;
}
