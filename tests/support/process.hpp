#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace edgepost::test {

using Words = std::vector<std::string>;

/// The bytes of a file; empty when there is none.
std::string read_file(const std::string& path);
/// Makes or replaces a file.
void write_file(const std::string& path, std::string_view bytes);

/// Where a process reads from and writes to; what is not named: nothing in, a pipe out, and
/// standard error as ours.
struct Streams {
  int input = -1;               ///< Descriptor to read from, at its present offset.
  bool has_input_pipe = false;  ///< Or a pipe, for write().
  std::string output;           ///< File to write to.
  std::string error;            ///< File for standard error.
  bool merges_error = false;    ///< Standard error goes where standard output goes.
};

/// A child process. It is killed and waited for when the object goes.
class Process {
 public:
  /// Starts `words`, the first being looked up in PATH, with `environment` (NAME=value) added.
  explicit Process(const Words& words, const Streams& streams = {}, const Words& environment = {});
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  /// The next line of the output pipe, without its line feed; none at its end or after `patience`.
  std::optional<std::string> line(std::chrono::microseconds patience);
  /// Writes to the input pipe.
  void write(std::string_view text) const;
  /// Closes the input pipe.
  void end_input();
  /// Sends a signal.
  void signal(int number) const;
  /// Waits for the end: the exit code, or 128 + the signal that ended it.
  int wait();

 private:
  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string buffer_;
};

/// What a finished process left.
struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

/// Runs `words` with `input` on standard input until it ends.
Outcome run(const Words& words, std::string_view input = {}, const Words& environment = {});

}  // namespace edgepost::test
