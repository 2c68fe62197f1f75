#pragma once

#include <cstdint>
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
/// byte, and also a segment in the wrong place, is noticed.

/// The size after which a segment takes no more events. A larger event gets one of its own.
inline constexpr std::size_t kSegmentBytes = 64 * 1024;

/// Packs events into one segment.
class SegmentWriter {
 public:
  SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  /// Adds one event. Requires: validated, complete, and not finished yet.
  void add(const Event& event);

  /// Appends the checksum. `last_sequence` is that of the last event added.
  void finish(std::uint32_t stream, std::uint64_t last_sequence);

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] bool is_full() const { return bytes_.size() >= kSegmentBytes; }

 private:
  struct Place {
    std::size_t offset;
    std::size_t size;
  };
  void shared_text(std::string_view text);

  std::string bytes_;
  ByteWriter writer_;
  std::vector<Place> texts_;
  std::int64_t time_ = 0;
  std::uint32_t count_ = 0;
};

/// Unpacks a segment, event by event.
class SegmentReader {
 public:
  /// Takes a segment as it was stored and checks its checksum.
  /// Errors: corrupt; the message does not know the stream's name: the caller adds it.
  static Result<SegmentReader> open(std::string bytes, std::uint32_t stream,
                                    std::uint64_t last_sequence, std::uint64_t count);

  /// The sequence of the next event; behind the last one when there is none.
  [[nodiscard]] std::uint64_t next_sequence() const { return next_sequence_; }
  [[nodiscard]] bool has_next() const { return next_sequence_ <= last_sequence_; }

  /// The next event. Requires: has_next(). Errors: corrupt.
  Result<Event> next();

 private:
  struct Place {
    std::size_t offset;
    std::size_t size;
  };
  SegmentReader(std::string bytes, std::uint64_t first, std::uint64_t last);
  std::string shared_text(ByteReader& reader);
  void optional_fields(ByteReader& reader, std::uint64_t present, Event& event);

  std::string bytes_;  // without the checksum
  std::size_t at_;
  std::vector<Place> texts_;
  std::int64_t time_ = 0;
  std::uint64_t next_sequence_;
  std::uint64_t last_sequence_;
};

}  // namespace edgepost::store
