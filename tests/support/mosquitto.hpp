#pragma once

#include <doctest.h>
#include <signal.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// A port that was free a moment ago.
int free_port();

/// A real broker on a free loopback port. Sessions and queues survive stop() and start().
class Mosquitto {
 public:
  /// `configuration` is added to its configuration file, whole lines.
  explicit Mosquitto(std::string configuration = {});

  /// Starts it again on the same port after stop().
  void start() { REQUIRE(try_to_start()); }
  /// Ends it in good order.
  void stop() { end(SIGTERM); }
  /// Ends it as a power cut would.
  void kill_hard() { end(SIGKILL); }
  /// Publishes as some other client. True when the broker has taken it.
  [[nodiscard]] bool publish(const std::string& topic, const std::string& payload) const;
  /// The next line of its log; none when nothing comes for `patience`. What it wrote before its end
  /// is there after it. Of a broker with `log_type all` in its configuration, which logs every
  /// packet, someone must read it: it waits when the pipe is full.
  std::optional<std::string> log_line(std::chrono::microseconds patience);
  [[nodiscard]] std::string url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int port() const { return port_; }

 private:
  bool try_to_start();
  void end(int signal_number);

  std::string configuration_;
  TempDir directory_;
  int port_;
  std::unique_ptr<Process> process_;
  std::deque<std::string> log_;  // of processes that have ended
};

/// Receives what matches `filter` (which `edgepost/test` must) from the moment it is made, with a
/// session that the broker keeps: nothing is missed while the broker is away. `options` are added
/// to those of mosquitto_sub.
class Subscriber {
 public:
  explicit Subscriber(const Mosquitto& broker, const std::string& filter = "#",
                      const Words& options = {});
  /// The payload of the next message, or what the options made of it; none when nothing comes for
  /// `patience`.
  std::optional<std::string> next(std::chrono::microseconds patience = std::chrono::seconds(10)) {
    return process_->line(patience);
  }

 private:
  std::unique_ptr<Process> process_;
};

}  // namespace edgepost::test
