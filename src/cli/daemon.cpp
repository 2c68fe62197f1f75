#include "cli/daemon.hpp"

#include <signal.h>

#include <algorithm>

#include "cli/apply.hpp"
#include "cli/metrics_file.hpp"
#include "cli/open.hpp"
#include "cli/output.hpp"

namespace edgepost::cli {
namespace {

constexpr Duration kLook = std::chrono::seconds(2);  // without a watchdog that wants it sooner

/// `cloud online, plant waiting`.
std::string status_line(const GatewayStatus& status) {
  std::string line;
  for (const UplinkStatus& uplink : status.uplinks) {
    line.append(line.empty() ? "" : ", ").append(uplink.name).append(" ");
    line.append(to_string(uplink.state));
  }
  return line.empty() ? "no uplinks" : line;
}

}  // namespace

Daemon::Daemon(std::string path, Environment environment, Log& log, const StopSignal& signals)
    : path_(std::move(path)),
      environment_(std::move(environment)),
      log_(log),
      signals_(signals),
      notifier_(environment_),
      platform_(default_platform()) {
  platform_.logger = &log_;
}

int Daemon::run() {
  auto config = load();
  if (!config) return kBadUsage;
  if (!begin(*config)) return kFailed;
  notifier_.tell("READY=1");
  for (;;) {
    if (signals_.wait(until_due())) {
      if (signals_.take() != SIGHUP) break;
      if (!reload()) return kFailed;
    }
    look();
  }
  notifier_.tell("STOPPING=1");
  end();
  const Status stored = gateway_->flush();
  if (!stored.is_ok()) say(LogLevel::error, "cannot store what is open: " + stored.message());
  say(LogLevel::info, "stopped");
  return stored.is_ok() ? kSuccess : kFailed;
}

std::optional<Config> Daemon::load() {
  Problems problems;
  auto config = load_config(path_, environment_, platform_, problems);
  for (const std::string& line : problems.lines())
    say(LogLevel::error, path_ + ":" + line);
  return config;
}

/// Opens and starts the gateway of `config`.
bool Daemon::open(const Config& config) {
  auto opened = Gateway::open(config.gateway);
  if (!opened) {
    say(LogLevel::error, opened.status().message());
    return false;
  }
  const std::string damage = damage_line(config.gateway.database, (*opened)->status());
  if (!damage.empty()) say(LogLevel::error, damage);
  Problems problems;
  apply(config, **opened, problems);
  for (const std::string& line : problems.lines())
    say(LogLevel::error, path_ + ":" + line);
  if (!problems.is_empty()) return false;
  if (const Status started = (*opened)->start(); !started.is_ok()) {
    say(LogLevel::error, started.message());
    return false;
  }
  gateway_ = std::move(*opened);
  return true;
}

bool Daemon::begin(const Config& config) {
  log_.set_lowest(config.log_level);
  if (!open(config)) return false;
  config_ = config;
  const Instant now = platform_.clock->now();
  if (notifier_.is_on()) next_look_ = now;
  next_metrics_ = config_.metrics_file.empty() ? Instant::max() : now;
  say(LogLevel::info, "started: database " + config_.gateway.database + ", " +
                          std::to_string(config_.streams.size()) + " streams, " +
                          std::to_string(config_.uplinks.size()) + " uplinks");
  return true;
}

/// A watchdog is not fed while answers are awaited, so its patience is the shorter one.
void Daemon::end() {
  if (notifier_.watchdog()) notifier_.tell("WATCHDOG=1");
  gateway_->stop(std::min(config_.stop_patience, notifier_.watchdog().value_or(kLongest)));
  write_metrics();
}

bool Daemon::reload() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(
      platform_.clock->now().time_since_epoch());
  notifier_.tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(now.count()));
  const auto wanted = load();
  bool is_running = true;
  if (!wanted) {
    say(LogLevel::error, "the configuration stays as it was");
  } else {
    end();
    gateway_.reset();
    is_running = begin(*wanted);
    if (!is_running) {
      say(LogLevel::error, "back to the configuration before");
      is_running = begin(Config(config_));
    }
  }
  if (is_running) notifier_.tell("READY=1");
  return is_running;
}

Duration Daemon::until_due() const {
  const Instant next = std::min(next_look_, next_metrics_);
  if (next == Instant::max()) return kLongest;
  return std::max(next - platform_.clock->now(), Duration::zero());
}

/// What is due. The watchdog is fed after the gateway has answered: it proves that no lock is held
/// for ever.
void Daemon::look() {
  const Instant now = platform_.clock->now();
  if (now >= next_metrics_) {
    write_metrics();
    next_metrics_ = now + config_.metrics_interval;
  }
  if (now < next_look_) return;
  next_look_ = now + std::min(kLook, notifier_.watchdog().value_or(kLook));
  std::string line = status_line(gateway_->status());
  if (notifier_.watchdog()) notifier_.tell("WATCHDOG=1");
  if (line == told_) return;
  told_ = std::move(line);
  notifier_.tell("STATUS=" + told_);
}

void Daemon::write_metrics() {
  if (config_.metrics_file.empty()) return;
  const Status written = replace_file(config_.metrics_file, gateway_->metrics());
  if (!written.is_ok()) say(LogLevel::warning, written.message());
}

}  // namespace edgepost::cli
