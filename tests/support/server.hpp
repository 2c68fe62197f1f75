#pragma once

#include <functional>
#include <memory>
#include <string>

#include "support/process.hpp"

namespace edgepost::test {

/// A server of somebody else, as a child process that dies with this one, however that happens.
/// What it has to say goes into a file.
class Server {
 public:
  struct Options {
    Words words{};
    Words environment{};               ///< NAME=value
    std::string log{};                 ///< File.
    std::function<bool()> is_ready{};  ///< Asked until it says so.
    int patience_s = 60;
  };
  explicit Server(Options options);

  /// Starts it (again); it is ready when this returns.
  void start();
  /// Ends it in good order.
  void stop() { end(15); }
  /// Ends it as a power cut would.
  void kill_hard() { end(9); }

 private:
  void end(int signal_number);

  const Options options_;
  std::unique_ptr<Process> process_;
};

/// Whether someone accepts connections at a port of loopback.
bool accepts_at(int port);

/// Whether a broker at a port of loopback takes an MQTT 3.1.1 message.
bool speaks_mqtt_at(int port);

}  // namespace edgepost::test
