#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "edgepost/gateway.hpp"
#include "edgepost/mqtt.hpp"
#include "support/network.hpp"
#include "support/oracle.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// A gateway at its end of the network, with the readings of a real machine to send, for the time
/// of one test. The test itself, with brokers and witnesses, is at the other end.
class GatewaySide {
 public:
  using Condition = std::function<bool(const UplinkStatus&)>;

  /// `name`: its device id, by which its topics differ from those of other tests.
  GatewaySide(Network& network, std::string name);

  /// As a source of events.
  [[nodiscard]] std::string source() const { return "/" + name_; }
  /// To a broker at the other end.
  [[nodiscard]] MqttOptions mqtt(int port, MqttVersion version = MqttVersion::automatic) const;

  /// Publishes the next readings, of ten sensors in turn, and tells the oracle.
  void publish(std::size_t count);
  /// Publishes one event and tells the oracle. Returns its id.
  std::string publish(Event event);

  /// Adds an uplink and starts.
  void start(std::vector<Endpoint> endpoints, UplinkOptions options = {});
  void start(std::unique_ptr<Transport> transport, UplinkOptions options = {});
  void start(const MqttOptions& upstream, UplinkOptions options = {});

  /// How many events that were.
  [[nodiscard]] std::uint64_t published() const {
    return gateway->status().streams.front().ledger.published;
  }
  /// How many of them are dead letters.
  [[nodiscard]] std::uint64_t dead() const { return gateway->status().streams.front().ledger.dead; }
  [[nodiscard]] UplinkStatus uplink() const { return gateway->status().uplinks.front(); }
  /// True when `is_so` before `patience` is over.
  bool wait_until(const Condition& is_so, std::chrono::milliseconds patience) const;
  /// Waits until everything published has arrived, been acknowledged, or died.
  void wait_until_drained(std::chrono::milliseconds patience = std::chrono::seconds(30)) const;
  /// Waits for the next acknowledgement. Says how long that took, and after what.
  void wait_for_acknowledgement(const std::string& after) const;
  /// Stops, and checks database and books.
  void check_sound();

  Oracle oracle;
  std::unique_ptr<Gateway> gateway;

 private:
  Network& network_;
  const std::string name_;
  TempDir directory_;
  std::vector<std::string> readings_;  // lines of the data
  std::size_t next_ = 0;
};

}  // namespace edgepost::test
