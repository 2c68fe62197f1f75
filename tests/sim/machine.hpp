#pragma once

#include <functional>
#include <memory>
#include <string>

#include "edgepost/gateway.hpp"
#include "edgepost/sim/clock.hpp"
#include "edgepost/sim/disk.hpp"
#include "edgepost/sim/random.hpp"
#include "sim/disk_double.hpp"
#include "sim/driver.hpp"
#include "sim/oracle.hpp"

namespace edgepost::test {

/// What of a machine is not as it should be: makes doubles, anew for each machine. What is left out
/// is as it should be.
struct Planted {
  std::function<std::unique_ptr<DiskDouble>(const std::string& behind)> disk;
  std::function<std::unique_ptr<Clock>(const sim::VirtualClock& behind)> clock;
  /// Made again each time the gateway is opened.
  std::function<std::unique_ptr<Random>()> random;
  std::function<std::unique_ptr<Driver>()> driver;
};

/// A machine with a disk that fails, a firmware, and an oracle that watches both.
struct Machine {
  explicit Machine(const sim::DiskOptions& disk_options, Planted planted = {});

  /// Makes what a start of the process makes anew.
  void start_process();

  Planted planted;
  sim::Disk disk;
  std::unique_ptr<DiskDouble> disk_double;
  sim::VirtualClock clock;
  std::unique_ptr<Clock> clock_double;
  sim::SeededRandom random;
  std::unique_ptr<Random> random_double;
  std::unique_ptr<Driver> driver;
  Oracle oracle;
  GatewayOptions options;
};

}  // namespace edgepost::test
