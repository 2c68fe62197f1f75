#include "cli/log.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace edgepost::cli {
namespace {

/// What the journal's JOURNAL_STREAM must be, to be our standard error.
std::string standard_error_identity() {
  struct stat file {};
  if (fstat(STDERR_FILENO, &file) != 0) return {};
  return std::to_string(file.st_dev) + ":" + std::to_string(file.st_ino);
}

}  // namespace

Log::Log(const Environment& environment) {
  const char* const stream = environment("JOURNAL_STREAM");
  is_journal_ = stream != nullptr && stream == standard_error_identity();
}

void Log::write(LogLevel level, std::string_view module, std::string_view line) {
  static constexpr std::array<std::string_view, 4> kPriorities{"<7>", "<6>", "<4>", "<3>"};
  static constexpr std::array<std::string_view, 4> kNames{"debug ", "info ", "warning ", "error "};
  if (level < lowest_) return;
  std::string text((is_journal_ ? kPriorities : kNames)[static_cast<std::size_t>(level)]);
  text.append(module).append(": ").append(line).append("\n");
  // There is nobody left to tell when standard error is gone.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

}  // namespace edgepost::cli
