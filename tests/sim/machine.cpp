#include "sim/machine.hpp"

#include <utility>

namespace edgepost::test {

Machine::Machine(const sim::DiskOptions& disk_options, Planted wrong)
    : planted(std::move(wrong)), disk(disk_options) {
  if (planted.disk) disk_double = planted.disk(disk.name());
  if (planted.clock) clock_double = planted.clock(clock);
  driver = planted.driver ? planted.driver() : std::make_unique<Driver>();
  clock.set_wall(Timestamp{});  // no battery, and nobody has told the date yet
  clock.set_trusted(false);
  options.database = "/data/gateway.db";
  options.device_id = "gw-1";
  options.reserve_bytes = 16 * 1024;  // one write: each is a call to fail
  options.platform.clock = clock_double ? clock_double.get() : &clock;
  options.platform.random = &random;
  options.platform.vfs = disk_double ? disk_double->name() : disk.name();
}

void Machine::start_process() {
  if (!planted.random) return;
  random_double = planted.random();
  options.platform.random = random_double.get();
}

}  // namespace edgepost::test
