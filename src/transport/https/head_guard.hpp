#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "edgepost/status.hpp"

namespace edgepost::https {

/// Looks at an answer's head before cpp-httplib does, which matches the status line by recursion: a
/// line of a few kilobytes would overflow its thread's stack. It also takes a bare line feed for
/// part of a line.
class HeadGuard {
 public:
  /// The next byte is the first of an answer.
  void reset() { *this = {}; }

  /// Errors: invalid_argument: a status line over 128 bytes, a head over 64 KiB, a bare line feed.
  Status take(std::span<const std::byte> bytes);

 private:
  Status end_line();

  std::string line_{};          // Of a status line, or of the head of an interim answer.
  std::size_t line_bytes_ = 0;  // So far, line break included.
  std::size_t head_bytes_ = 0;
  char last_ = '\0';
  bool is_first_line_ = true;
  bool is_interim_ = false;  // 1xx: another answer follows.
  bool is_over_ = false;
};

}  // namespace edgepost::https
