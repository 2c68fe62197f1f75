#include "cli/lines.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace edgepost::cli {
namespace {

Status failed_read() {
  return {Code::io_error, std::string("cannot read the input: ") + std::strerror(errno)};
}

}  // namespace

Status at_line(std::uint64_t number, const Status& status) {
  return {status.code(), "line " + std::to_string(number) + ": " + status.message()};
}

std::optional<std::uint64_t> input_bytes(int descriptor) {
  struct stat input {};
  const bool is_file = fstat(descriptor, &input) == 0 && S_ISREG(input.st_mode);
  const off_t offset = is_file ? lseek(descriptor, 0, SEEK_CUR) : -1;
  if (offset < 0 || offset >= input.st_size) return {};
  return static_cast<std::uint64_t>(input.st_size - offset);
}

Result<Met> LineReader::next(std::string& line, int wait_ms) {
  for (;;) {
    const std::size_t found = buffer_.find('\n', begin_ + scanned_);
    const std::size_t length = (found == std::string::npos ? buffer_.size() : found) - begin_;
    if (length > line_bytes_max_) {
      return Status(Code::invalid_argument,
                    "the line is longer than " + std::to_string(line_bytes_max_) + " bytes");
    }
    if (found != std::string::npos || (is_at_end_ && length > 0)) {
      line.assign(buffer_, begin_, length);
      const std::size_t taken = length + (found == std::string::npos ? 0 : 1);
      begin_ += taken;
      bytes_ += taken;
      scanned_ = 0;
      return Met::line;
    }
    scanned_ = length;
    if (is_at_end_) return Met::end;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const auto met = fill(wait_ms);
    if (!met || *met == Met::pause) return met;
    is_at_end_ = *met == Met::end;
  }
}

Result<Met> LineReader::fill(int wait_ms) {
  pollfd wanted{.fd = descriptor_, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&wanted, 1, wait_ms);
  } while (ready < 0 && errno == EINTR);
  if (ready < 0) return failed_read();
  if (ready == 0) return Met::pause;
  std::array<char, 64 * 1024> chunk;
  ssize_t got = 0;
  do {
    got = read(descriptor_, chunk.data(), chunk.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return failed_read();
  buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  return got == 0 ? Met::end : Met::line;
}

}  // namespace edgepost::cli
