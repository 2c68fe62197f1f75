#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/config/config.hpp"
#include "cli/log.hpp"
#include "cli/notify.hpp"
#include "cli/stop_signal.hpp"
#include "edgepost/gateway.hpp"

namespace edgepost::cli {

/// Runs a gateway as a configuration file says, until a signal ends it.
class Daemon {
 public:
  /// Must outlive: `log` and `signals` this object.
  Daemon(std::string path, Environment environment, Log& log, const StopSignal& signals);

  /// Runs until SIGINT or SIGTERM; SIGHUP reads the file again. Returns the exit code: bad usage
  /// for a configuration that is wrong at the start; then nothing was touched.
  int run();

 private:
  std::optional<Config> load();
  bool open(const Config& config);
  bool begin(const Config& config);
  void end();
  bool reload();
  void look();
  void write_metrics();
  [[nodiscard]] Duration until_due() const;
  void say(LogLevel level, const std::string& line) { log_.write(level, "run", line); }

  std::string path_;
  Environment environment_;
  Log& log_;
  const StopSignal& signals_;
  Notifier notifier_;
  Platform platform_;
  Config config_;
  std::unique_ptr<Gateway> gateway_;
  Instant next_look_ = Instant::max();
  Instant next_metrics_ = Instant::max();
  std::string told_;  // status line that the service manager has
};

}  // namespace edgepost::cli
