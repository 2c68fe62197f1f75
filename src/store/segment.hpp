#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::store {

/// A segment is what one commit adds to one stream: its events back to back in one blob. Texts
/// that repeat (topic, source, type, key) stand once and are referred to by number; times are
/// differences. The blob ends with a CRC-32C over stream, place and content, so that a changed
/// byte, and also a segment in the wrong place, is noticed. Format 1, which did not say when it
/// was packed, is still read.

/// The size after which a segment takes no more events. A larger event gets one of its own.
inline constexpr std::size_t kSegmentBytes = 64 * 1024;

/// When a segment was packed.
struct Moment {
  Duration life = Duration::zero();     ///< See LifeClock. Stored in whole milliseconds.
  std::optional<Duration> wall_offset;  ///< Wall time minus life, while the wall is not trusted.
};

/// An event as it was stored.
struct Stored {
  Event event;
  Duration life = Duration::zero();  ///< When it was stored.
  /// Wall time minus life of the clock that `event.time` is from: there when the library gave the
  /// time while that clock was not trusted, so that it is to be corrected once it is.
  std::optional<Duration> wall_offset;
};

/// Packs events into one segment.
class SegmentWriter {
 public:
  /// `left_out_at_end`: how many sequences it spans behind its last event.
  explicit SegmentWriter(const Moment& moment, std::uint64_t left_out_at_end = 0);
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  /// Adds one event; its sequence is the next one. `is_library_time` says that its time is from the
  /// wall clock of the moment, which is not trusted.
  /// Requires: validated, complete, and not finished yet.
  void add(const Event& event, bool is_library_time = false) {
    put(event, is_library_time, nullptr);
  }

  /// Adds an event from another segment, which may have been stored at another moment.
  void carry(const Stored& stored) { put(stored.event, stored.wall_offset.has_value(), &stored); }

  /// Leaves out so many sequences before the next event.
  void skip(std::uint64_t sequences) { skipped_ += sequences; }

  /// Appends the checksum. `last_sequence` is the last one it spans.
  void finish(std::uint32_t stream, std::uint64_t last_sequence);

  /// How many sequences it spans: those of its events and those left out.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] bool is_full() const { return bytes_.size() >= kSegmentBytes; }

 private:
  struct Place {
    std::size_t offset;
    std::size_t size;
  };
  void put(const Event& event, bool is_library_time, const Stored* carried);
  void shared_text(std::string_view text);

  const Duration life_;
  std::string bytes_;
  ByteWriter writer_;
  std::vector<Place> texts_;
  std::int64_t time_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t count_;
};

/// What stands in the place of segments that are lost, so that everybody who reads the stream sees
/// how many events are missing and goes on: a segment without events.
std::string lost_segment(std::uint32_t stream, std::uint64_t last_sequence, std::uint64_t count);

/// Unpacks a segment, event by event.
class SegmentReader {
 public:
  /// Takes a segment as it was stored and checks its checksum. `count` is how many sequences it
  /// spans. Errors: corrupt; unsupported (newer format). The message does not know the stream's
  /// name: the caller adds it.
  static Result<SegmentReader> open(std::string bytes, std::uint32_t stream,
                                    std::uint64_t last_sequence, std::uint64_t count);

  /// The sequence of the next event, or one that was left out before it; behind the last one when
  /// there is none.
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  [[nodiscard]] bool has_next() const {
    return next_sequence_ <= last_sequence_ - left_out_at_end_;
  }
  [[nodiscard]] const Moment& moment() const { return moment_; }

  /// It stands for events that are lost; it has none.
  [[nodiscard]] bool is_lost() const { return is_lost_; }

  /// The next event. Requires: has_next(). Errors: corrupt.
  Result<Stored> next();

 private:
  struct Place {
    std::size_t offset;
    std::size_t size;
  };
  SegmentReader(std::string bytes, std::uint64_t first, std::uint64_t last);
  bool read_header();
  bool pass_end();
  std::string shared_text(ByteReader& reader);
  void optional_fields(ByteReader& reader, std::uint64_t present, Event& event);

  std::string bytes_;  // without the checksum
  Moment moment_;
  bool is_lost_ = false;
  std::size_t at_ = 0;
  std::vector<Place> texts_;
  std::int64_t time_ = 0;
  std::uint64_t next_sequence_;
  std::uint64_t last_sequence_;
  std::uint64_t left_out_at_end_ = 0;
};

}  // namespace edgepost::store
