// What callgrind counts for tools/bench --instructions: appends N events in groups, and with
// `drain` acknowledges them too. The difference of two runs is what the events cost.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bench/peers.hpp"
#include "bench/workload.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::bench {
namespace {

void run_ours(bool drains, std::size_t events, std::size_t group) {
  const std::string data(100, 'x');
  const test::TempDir dir;
  const auto gateway = open_gateway(dir.file("g.db"));
  Consumer consumer = open_consumer(*gateway);
  for (std::size_t i = 0; i < events / group; ++i)
    publish_group(*gateway, group, data);
  if (drains) EDGEPOST_ASSERT(drain(consumer) == events);
  EDGEPOST_ASSERT(gateway->flush().is_ok());
}

void run_textbook(bool drains, std::size_t events, std::size_t group) {
  const std::string data(100, 'x');
  const test::TempDir dir;
  TextbookOutbox outbox(dir.file("t.db"));
  for (std::size_t i = 0; i < events / group; ++i)
    outbox.publish_group(group, data);
  if (drains) outbox.drain(events);
}

}  // namespace
}  // namespace edgepost::bench

int main(int count, char** arguments) {
  const std::string_view who = count == 5 ? arguments[1] : "";
  const std::string_view what = count == 5 ? arguments[2] : "";
  const std::size_t events = count == 5 ? std::strtoul(arguments[3], nullptr, 10) : 0;
  const std::size_t group = count == 5 ? std::strtoul(arguments[4], nullptr, 10) : 0;
  const bool is_known =
      (who == "ours" || who == "textbook") && (what == "append" || what == "drain");
  if (!is_known || group == 0) {
    std::fprintf(stderr, "usage: %s ours|textbook append|drain EVENTS GROUP\n", arguments[0]);
    return 2;
  }
  const auto run = who == "ours" ? edgepost::bench::run_ours : edgepost::bench::run_textbook;
  run(what == "drain", events, group);
}
