#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "edgepost/time.hpp"

namespace edgepost {

/// What a run of random bytes is for. A simulator gives each its own stream, so that one more
/// retry does not change the ids of later events.
enum class RandomUse : unsigned char {
  ids,     ///< Event ids and the database's identity.
  jitter,  ///< Retry delays.
  nonces,  ///< Keys and nonces: must come from a cryptographic source.
};

/// The seam for random bytes.
/// Threads: may be called from any thread at once.
class Random {
 public:
  virtual ~Random() = default;

  /// Fills `out` with random bytes for `use`.
  virtual void fill(RandomUse use, std::span<std::byte> out) = 0;
};

/// How much a log line matters.
enum class LogLevel : unsigned char { debug, info, warning, error };

/// The sink for the library's log. Secrets and payloads are never passed to it.
/// Threads: may be called from any thread at once; must not call back into the library.
class Logger {
 public:
  virtual ~Logger() = default;

  /// Takes one line, without a line break. `module` is a word such as "uplink".
  virtual void write(LogLevel level, std::string_view module, std::string_view line) = 0;
};

/// What a host may replace: clock, randomness, log and disk. Each pointer may be null, which
/// means this machine's own; the log then goes nowhere.
/// Must outlive: every gateway opened with it.
struct Platform {
  Clock* clock = nullptr;    ///< Null: the Linux clocks.
  Random* random = nullptr;  ///< Null: getrandom(2).
  Logger* logger = nullptr;  ///< Null: nothing is logged.
  std::string vfs{};  ///< The disk: the name of a registered SQLite VFS. Empty: SQLite's default.
};

/// The machine's own clock, random source and a logger that drops everything. The clock trusts
/// the wall time while the kernel says that it is synchronised (adjtimex(2), which NTP and PTP
/// daemons keep up to date) and it is not before 2025, older than any release of this library.
/// Where a sandbox forbids to ask the kernel, the date alone decides.
/// Owns: nothing is handed over; the objects live as long as the process.
Platform default_platform();

/// A logger that writes `level module: line` to standard error, one write(2) per line.
/// Lines below `lowest` are dropped. Lives as long as the process.
Logger& standard_error_logger(LogLevel lowest);

}  // namespace edgepost
