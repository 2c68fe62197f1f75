#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/machine.hpp"

namespace edgepost::test {

/// Uses everything a gateway offers for its store, in an order that never changes, and goes on
/// after a failure as long as the disk has power.
class Workload {
 public:
  Workload(Machine& machine, int rounds) : machine_(machine), rounds_(rounds) {}

  /// Runs until the power is cut, or to the end, and closes the gateway. With
  /// `steps_after_failure`, ends so many steps after `has_failed` first said so, and leaves the
  /// gateway open, for a crash to hit.
  void run(std::optional<int> steps_after_failure = std::nullopt);

  /// After a crash or a failure: opens the gateway, lets the oracle look, publishes, and checks
  /// that a consumer gets all that is pending. The gateway stays open.
  void go_on();

  /// Closes gateway and consumers.
  void close();

  /// Whether what the campaign planned has struck; unless it is told otherwise, the disk knows.
  std::function<bool()> has_failed = [this] { return !machine_.disk.struck().empty(); };

 private:
  struct Draining {
    std::string name;
    std::string stream;
    std::optional<Consumer> consumer;
  };

  bool open(bool is_inspected);
  bool set_up();
  bool set_up_streams();
  bool set_up_consumers();
  bool subscribe();
  void inspect();
  void round(int number);
  void step(const std::function<void()>& work);
  [[nodiscard]] Oracle::Entry entry(const std::string& stream, std::size_t bytes);
  void publish(const std::vector<std::string>& streams, std::size_t bytes, Durability durability);
  void publish(std::vector<Oracle::Entry> entries, Durability durability);
  void publish_timed(std::optional<Duration> expires_after, std::optional<Duration> not_before);
  void transact(const std::function<Status(Transaction&)>& ending);
  void transact_nested();
  Status put_row(Transaction& transaction, std::size_t unit);
  Status put_events(Transaction& transaction, std::size_t unit);
  void receive(const std::string& message);
  void flush();
  void shrink();
  void pass(Duration time);
  void drain(Draining& from, std::size_t events, bool is_in_order);
  void refuse(Draining& from);
  void use_dead_letters();
  void use_guests();
  void drain_all(Draining& from);
  std::vector<Event> fetch(Draining& from, std::size_t events);
  void deliver(Draining& from, const Event& event);

  Machine& machine_;
  const int rounds_;
  std::unique_ptr<Gateway> gateway_;
  std::vector<Draining> consumers_;
  std::optional<int> steps_left_;
};

}  // namespace edgepost::test
