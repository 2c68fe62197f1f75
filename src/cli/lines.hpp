#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::cli {

/// An event as a JSON line takes at most this: escapes make six bytes of one of its data, base64
/// only four of three; its attributes come on top.
constexpr std::size_t json_line_bytes_max(const EventLimits& limits) {
  return limits.data_bytes_max * 6 + 64 * 1024;
}

/// `status` with the number of the line that is at fault.
Status at_line(std::uint64_t number, const Status& status);

/// How many bytes the descriptor still has to give; none when it is no regular file.
std::optional<std::uint64_t> input_bytes(int descriptor);

/// What a LineReader met.
enum class Met : unsigned char {
  line,   ///< A line.
  pause,  ///< Nothing came within the wait.
  end,    ///< The end of the input.
};

/// Reads lines from a file descriptor and notices when the writer pauses. The last line counts
/// without its line feed too. Memory: one line and one read.
class LineReader {
 public:
  /// Must outlive: the descriptor is open as long as this object is used; it is not closed.
  LineReader(int descriptor, std::size_t line_bytes_max)
      : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

  /// Puts the next line, without its line feed, in `line`. Waits `wait_ms` milliseconds for more
  /// input, for ever when it is negative.
  /// Errors: invalid_argument, naming the limit, when the line is too long; io_error.
  Result<Met> next(std::string& line, int wait_ms);

  /// How many bytes the lines handed out so far took, line feeds included.
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Result<Met> fill(int wait_ms);

  int descriptor_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what has not been handed out
  std::size_t scanned_ = 0;  // from begin_: holds no line feed
  std::uint64_t bytes_ = 0;
  bool is_at_end_ = false;
};

}  // namespace edgepost::cli
