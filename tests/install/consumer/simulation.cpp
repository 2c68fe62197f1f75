// A firmware's own test: its event survives a power cut, on a disk and a clock that are simulated.
#include <edgepost/gateway.hpp>
#include <edgepost/sim/clock.hpp>
#include <edgepost/sim/disk.hpp>
#include <edgepost/sim/random.hpp>

#include <cstdio>

namespace {

edgepost::Status run() {
  edgepost::sim::Disk disk;
  edgepost::sim::VirtualClock clock;
  edgepost::sim::SeededRandom random;
  edgepost::GatewayOptions options;
  options.database = "/data/gateway.db";
  options.platform = {.clock = &clock, .random = &random, .logger = nullptr, .vfs = disk.name()};
  {
    auto gateway = edgepost::Gateway::open(options);
    if (!gateway) return gateway.status();
    auto status = (*gateway)->create_stream({.name = "readings"});
    if (!status.is_ok()) return status;
    status = (*gateway)->route("#", "readings");
    if (!status.is_ok()) return status;
    auto receipt = (*gateway)->publish({.topic = "machine/temperature", .data = "21.5"});
    if (!receipt) return receipt.status();
    disk.cut_power({});
  }
  disk.power_on();
  auto gateway = edgepost::Gateway::open(options);
  if (!gateway) return gateway.status();
  auto events = (*gateway)->read("readings", edgepost::Position::start());
  if (!events) return events.status();
  if (events->size() == 1) return {};
  return {edgepost::Code::corrupt, "the event is lost"};
}

}  // namespace

int main() {
  const auto status = run();
  if (!status.is_ok()) std::fprintf(stderr, "simulation: %s\n", status.message().c_str());
  return status.is_ok() ? 0 : 1;
}
