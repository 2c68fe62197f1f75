#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/gateway.hpp"
#include "edgepost/sim/disk.hpp"
#include "sim/normal_disk.hpp"
#include "sim/oracle.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"

namespace edgepost::test {

/// A machine with a disk that fails, and an oracle that watches it.
struct Machine {
  /// With `is_normal`, commits are synced as little as SQLite does under synchronous=NORMAL.
  explicit Machine(const sim::DiskOptions& disk_options, bool is_normal = false);

  sim::Disk disk;
  std::optional<NormalDisk> normal;
  FakeClock clock;
  FakeRandom random;
  Oracle oracle;
  GatewayOptions options;
};

/// Uses everything a gateway offers for its store, in an order that never changes, and goes on
/// after a failure as long as the disk has power.
class Workload {
 public:
  explicit Workload(Machine& machine) : machine_(machine) {}

  /// Runs until the power is cut, or to the end, and closes the gateway. With
  /// `steps_after_failure`, ends so many steps after the disk first failed and leaves the gateway
  /// open, for a crash to hit.
  void run(std::optional<int> steps_after_failure = std::nullopt);

  /// After a crash or a failure: opens the gateway, lets the oracle look, publishes, and checks
  /// that a consumer gets all that is pending. The gateway stays open.
  void go_on();

  /// Closes gateway and consumers.
  void close();

 private:
  struct Draining {
    std::string name;
    std::string stream;
    std::optional<Consumer> consumer;
  };
  /// What a transaction does last: its outcome.
  using Ending = std::function<Status(Transaction& transaction, std::size_t unit)>;

  bool open(bool is_inspected);
  bool set_up();
  void inspect();
  void round(int number);
  void step(const std::function<void()>& work);
  [[nodiscard]] Oracle::Entry entry(const std::string& stream, std::size_t bytes);
  void publish(const std::vector<std::string>& streams, std::size_t bytes, Durability durability);
  void transact(const Ending& ending);
  void flush();
  void pass(Duration time);
  void drain(Draining& from, std::size_t events, bool is_in_order);
  void drain_all(Draining& from);

  Machine& machine_;
  std::unique_ptr<Gateway> gateway_;
  std::vector<Draining> consumers_;
  std::optional<int> steps_left_;
};

}  // namespace edgepost::test
