#pragma once

#include <algorithm>
#include <cstddef>

#include "edgepost/time.hpp"

namespace edgepost {

/// How many events go into one request: fewer after the upstream found one too large or wrong, more
/// again after it has taken some. Down to one, so that what it has against one event does not
/// reach others.
class BatchSize {
 public:
  /// So many requests are taken before the next is larger: refusals cost more than small requests.
  static constexpr unsigned kTakenToGrow = 16;

  explicit BatchSize(std::size_t max) : max_(max), size_(max) {}

  /// A request of `events`, 2 or more, was refused as a whole.
  void refused(std::size_t events) {
    size_ = std::max<std::size_t>(1, std::min(size_, events) / 2);
    taken_ = 0;
  }

  /// A request of `events` was taken.
  void taken(std::size_t events) {
    if (size_ == max_ || events < size_ || ++taken_ < kTakenToGrow) return;
    size_ = std::min(max_, size_ * 2);
    taken_ = 0;
  }

  /// The event that the upstream has something against is found.
  void isolated() { size_ = max_; }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::size_t max_;
  std::size_t size_;
  unsigned taken_ = 0;  // since it changed
};

/// Lets a request that is not full wait for more events.
class Linger {
 public:
  explicit Linger(Duration length) : length_(length) {}

  /// When a request of what waits at `now` may go: now, or when it has waited long enough.
  Instant due(Instant now, bool is_full) {
    if (is_full) return now;
    if (!is_waiting_) since_ = now;
    is_waiting_ = true;
    return std::max(now, since_ + length_);
  }
  /// The request has gone, or nothing waits.
  void end() { is_waiting_ = false; }
  /// When the request goes; Instant::max() when none waits.
  [[nodiscard]] Instant ends_at() const { return is_waiting_ ? since_ + length_ : Instant::max(); }

 private:
  Duration length_;
  Instant since_;
  bool is_waiting_ = false;
};

}  // namespace edgepost
