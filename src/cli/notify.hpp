#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "edgepost/time.hpp"

namespace edgepost::cli {

/// Tells a service manager how we are, by the datagrams of sd_notify(3). Without a manager nothing
/// is sent.
class Notifier {
 public:
  /// Reads NOTIFY_SOCKET (a path, or `@` and the name of an abstract socket), WATCHDOG_USEC and
  /// WATCHDOG_PID.
  explicit Notifier(const Environment& environment);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// Sends lines such as `READY=1\nSTATUS=…`. What nobody takes is lost.
  void tell(std::string_view lines) const;

  /// True when somebody listens.
  [[nodiscard]] bool is_on() const { return descriptor_ >= 0; }

  /// How often `WATCHDOG=1` is wanted: half of what the manager waits for; none: never.
  [[nodiscard]] std::optional<Duration> watchdog() const { return watchdog_; }

 private:
  int descriptor_ = -1;
  std::optional<Duration> watchdog_;
};

}  // namespace edgepost::cli
