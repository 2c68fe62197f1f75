#pragma once

#include <cstddef>
#include <cstdint>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// A token bucket: fills at a rate up to its depth, and may be overdrawn: then it has nothing to
/// give until that is made up for, so that the rate holds over time. A rate of 0 is no limit.
class TokenBucket {
 public:
  /// A `depth` of 0 is what a second brings.
  TokenBucket(std::uint64_t per_second, std::uint64_t depth);

  /// What may be taken at `now`; at most `SIZE_MAX`.
  std::size_t available(Instant now);
  /// Takes `tokens`, or gives back, when it is negative.
  void take(std::int64_t tokens);
  /// When there is something to take: the epoch for now.
  [[nodiscard]] Instant due() const;

 private:
  using Micros = std::int64_t;  // a millionth of a token: exact at any rate

  std::int64_t per_second_;
  Micros depth_;
  Micros level_;
  Instant filled_at_;
  bool has_begun_ = false;
};

/// The rates of an uplink. Bytes are those of the wire; those of an event on its way are guessed
/// from its weight until the transport has counted them.
class Pacer {
 public:
  explicit Pacer(const Pacing& pacing)
      : events_(pacing.events_per_second, pacing.burst_events),
        bytes_(pacing.bytes_per_second, pacing.burst_bytes),
        is_paced_(pacing.events_per_second > 0 || pacing.bytes_per_second > 0) {}

  /// False: everything else is without meaning.
  [[nodiscard]] bool is_limited() const { return is_paced_; }

  /// How many events, and bytes of them, may go now; one event is let through by any bytes.
  std::size_t events(Instant now) { return is_paced_ ? events_.available(now) : SIZE_MAX; }
  std::size_t bytes(Instant now) { return is_paced_ ? bytes_.available(now) : SIZE_MAX; }

  /// An event of `weight` bytes goes out.
  void sent(std::size_t weight);
  /// The transport has sent `bytes` since this was said last.
  void counted(std::uint64_t bytes);
  /// Nothing is on its way: what was guessed too high is given back.
  void idle();

  /// When events may go; the epoch for now.
  [[nodiscard]] Instant due() const;

 private:
  TokenBucket events_;
  TokenBucket bytes_;
  bool is_paced_;
  std::int64_t guessed_ = 0;  // taken from bytes_ and not counted by the transport yet
};

}  // namespace edgepost
