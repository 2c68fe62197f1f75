#include <sys/random.h>
#include <sys/timex.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <string>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "platform/platform.hpp"

namespace edgepost {
namespace {

Duration read_clock(clockid_t id) {
  timespec time{};
  EDGEPOST_ASSERT(::clock_gettime(id, &time) == 0);
  return std::chrono::duration_cast<Duration>(std::chrono::seconds(time.tv_sec) +
                                              std::chrono::nanoseconds(time.tv_nsec));
}

// Older than any release of this library: a wall clock that stands before it is surely wrong.
constexpr Timestamp kOldestPlausible = std::chrono::sys_days(std::chrono::year(2025) / 1 / 1);

class LinuxClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return Instant(read_clock(CLOCK_MONOTONIC)); }
  [[nodiscard]] Instant since_boot() const override { return Instant(read_clock(CLOCK_BOOTTIME)); }
  [[nodiscard]] Timestamp wall() const override { return Timestamp(read_clock(CLOCK_REALTIME)); }

  [[nodiscard]] bool wall_is_trusted() const override {
    if (wall() < kOldestPlausible) return false;
    timex kernel{};
    const int state = ::adjtimex(&kernel);
    // A sandbox may forbid the call; a plausible date is then the best there is.
    if (state < 0) return true;
    return state != TIME_ERROR && (kernel.status & STA_UNSYNC) == 0;
  }
};

class LinuxRandom final : public Random {
 public:
  // One cryptographic source serves every use; only a simulator has a reason to tell them apart.
  void fill(RandomUse /*use*/, std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t got = ::getrandom(out.data(), out.size(), 0);
      // Nothing can replace randomness: without it ids would collide and events be lost.
      EDGEPOST_ASSERT(got > 0 || errno == EINTR);
      if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
    }
  }
};

class NullLogger final : public Logger {
 public:
  void write(LogLevel /*level*/, std::string_view /*module*/, std::string_view /*line*/) override {}
};

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "unknown";
}

class StandardErrorLogger final : public Logger {
 public:
  explicit StandardErrorLogger(LogLevel lowest) : lowest_(lowest) {}

  void write(LogLevel level, std::string_view module, std::string_view line) override {
    if (level < lowest_) return;
    std::string text;
    text.reserve(module.size() + line.size() + 16);
    text.append(to_string(level)).append(" ").append(module).append(": ").append(line);
    // A peer's words may be in the line: they must not fake another line or move the terminal.
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    text.push_back('\n');
    // There is nobody left to tell when standard error is gone.
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
  }

 private:
  LogLevel lowest_;
};

}  // namespace

// The objects below are never destroyed: a host's thread may still use them while the process ends.

Platform default_platform() {
  static LinuxClock& clock = *new LinuxClock;
  static LinuxRandom& random = *new LinuxRandom;
  static NullLogger& logger = *new NullLogger;
  Platform platform;
  platform.clock = &clock;
  platform.random = &random;
  platform.logger = &logger;
  return platform;
}

Platform complete(const Platform& wanted) {
  Platform platform = wanted;
  const Platform machine = default_platform();
  if (platform.clock == nullptr) platform.clock = machine.clock;
  if (platform.random == nullptr) platform.random = machine.random;
  if (platform.logger == nullptr) platform.logger = machine.logger;
  return platform;
}

Logger& standard_error_logger(LogLevel lowest) {
  static auto& loggers =
      *new std::array{StandardErrorLogger(LogLevel::debug), StandardErrorLogger(LogLevel::info),
                      StandardErrorLogger(LogLevel::warning), StandardErrorLogger(LogLevel::error)};
  return loggers[static_cast<std::size_t>(lowest)];
}

std::int64_t process_id() { return ::getpid(); }

}  // namespace edgepost
