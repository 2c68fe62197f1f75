#pragma once

#include <string>
#include <string_view>

#include "cli/options.hpp"
#include "edgepost/platform.hpp"

namespace edgepost::cli {

/// The daemon's log, on standard error: `level module: line`, or, when that is the journal of
/// systemd, `<N>module: line` with the priority as its number (sd-daemon(3)).
class Log final : public Logger {
 public:
  /// Looks at JOURNAL_STREAM, which names the journal's end of standard error.
  explicit Log(const Environment& environment);

  /// Drops lines below `lowest` from now on. Requires: no other thread uses it.
  void set_lowest(LogLevel lowest) { lowest_ = lowest; }

  void write(LogLevel level, std::string_view module, std::string_view line) override;

 private:
  bool is_journal_;
  LogLevel lowest_ = LogLevel::info;
};

}  // namespace edgepost::cli
