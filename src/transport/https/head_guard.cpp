#include "transport/https/head_guard.hpp"

namespace edgepost::https {
namespace {

constexpr std::size_t kStatusLineMax = 128;
constexpr std::size_t kHeadMax = 64 * 1024;

Status malformed(const char* what) { return {Code::invalid_argument, what}; }

}  // namespace

Status HeadGuard::take(std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) {
    if (is_over_) return {};
    const char c = static_cast<char>(byte);
    ++line_bytes_;
    if (++head_bytes_ > kHeadMax) return malformed("the head of the answer is over 64 KiB");
    if (is_first_line_ || is_interim_) {
      if (line_.size() >= kStatusLineMax) return malformed("the status line is over 128 bytes");
      line_.push_back(c);
    }
    if (c == '\n') {
      if (Status status = end_line(); !status.is_ok()) return status;
    }
    last_ = c;
  }
  return {};
}

Status HeadGuard::end_line() {
  if (last_ != '\r') return malformed("a bare line feed in the head of the answer");
  constexpr std::size_t kClass = 9;  // HTTP/1.1 1xx
  if (is_first_line_) {
    is_interim_ = line_.size() > kClass && line_[kClass] == '1';
    is_first_line_ = false;
  } else if (line_bytes_ == 2) {
    is_over_ = !is_interim_;
    is_first_line_ = is_interim_;
  }
  line_.clear();
  line_bytes_ = 0;
  return {};
}

}  // namespace edgepost::https
