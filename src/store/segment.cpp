#include "store/segment.hpp"

#include <algorithm>
#include <utility>

#include "base/crc32c.hpp"

namespace edgepost::store {
namespace {

constexpr std::uint8_t kSegmentFormat = 2;  // 1 did not say when it was packed
constexpr std::uint8_t kWallUntrusted = 1;  // flag: an offset of the wall follows
constexpr std::uint8_t kLost = 2;           // flag: no events; how many there were follows
constexpr std::uint8_t kEndsEarly = 4;      // flag: how many are left out at the end follows
constexpr std::uint8_t kFlagsMax = kEndsEarly | kWallUntrusted;
constexpr std::size_t kSharedTexts = 64;  // the search stays cheap; gateways have few topics
constexpr std::uint64_t kAttributesMax = 32;
constexpr std::int64_t kLifeMax = std::int64_t{1} << 52U;  // milliseconds; far from overflow

// Which optional fields follow; the bits never change their meaning.
enum Present : std::uint64_t {
  kKey = 1U << 0U,
  kContentType = 1U << 1U,
  kSchema = 1U << 2U,
  kCorrelation = 1U << 3U,
  kCausation = 1U << 4U,
  kTrace = 1U << 5U,
  kExpires = 1U << 6U,
  kAttributes = 1U << 7U,
  kNotBefore = 1U << 8U,
  kLibraryTime = 1U << 9U,
  kGap = 1U << 10U,
  kOwnMoment = 1U << 11U,  // stored at another one than the segment says
  kAll = (1U << 12U) - 1U,
};

std::uint64_t present_in(const Event& event) {
  const auto bit = [](bool is_present, Present flag) -> std::uint64_t {
    return is_present ? std::uint64_t{flag} : std::uint64_t{0};
  };
  return bit(!event.key.empty(), kKey) | bit(!event.content_type.empty(), kContentType) |
         bit(!event.schema.empty(), kSchema) | bit(!event.correlation_id.empty(), kCorrelation) |
         bit(!event.causation_id.empty(), kCausation) | bit(!event.trace_parent.empty(), kTrace) |
         bit(event.expires_after.has_value(), kExpires) |
         bit(!event.attributes.empty(), kAttributes) |
         bit(event.not_before.has_value(), kNotBefore);
}

std::int64_t whole_milliseconds(Duration life) {
  return std::chrono::floor<std::chrono::milliseconds>(life).count();
}

// What stands beside the bytes in their row counts as well: it says which events they are.
std::uint32_t checksum(std::string_view bytes, std::uint32_t stream, std::uint64_t last_sequence,
                       std::uint64_t count) {
  std::string place;
  ByteWriter writer(place);
  writer.varint(stream);
  writer.varint(last_sequence);
  if (!bytes.starts_with('\x01')) writer.varint(count);  // format 1 did without
  return crc32c(bytes, crc32c(place));
}

}  // namespace

SegmentWriter::SegmentWriter(const Moment& moment, std::uint64_t left_out_at_end)
    : life_(moment.life), writer_(bytes_), count_(left_out_at_end) {
  writer_.byte(kSegmentFormat);
  const unsigned flags =
      (moment.wall_offset ? kWallUntrusted : 0U) | (left_out_at_end > 0 ? kEndsEarly : 0U);
  writer_.byte(static_cast<std::uint8_t>(flags));
  writer_.varint(static_cast<std::uint64_t>(whole_milliseconds(moment.life)));
  if (moment.wall_offset) writer_.signed_varint(moment.wall_offset->count());
  if (left_out_at_end > 0) writer_.varint(left_out_at_end);
}

// An even number is the length of a text that follows and joins the shared ones; an odd one is
// the place of a text among them.
void SegmentWriter::shared_text(std::string_view text) {
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    const std::string_view known(bytes_.data() + texts_[i].offset, texts_[i].size);
    if (known == text) return writer_.varint(i * 2 + 1);
  }
  writer_.varint(text.size() * 2);
  if (texts_.size() < kSharedTexts) texts_.push_back({bytes_.size(), text.size()});
  writer_.raw(text);
}

void SegmentWriter::put(const Event& event, bool is_library_time, const Stored* carried) {
  std::uint64_t present = present_in(event);
  const bool has_own = carried != nullptr && (is_library_time || carried->life != life_);
  if (has_own) present |= kOwnMoment;
  if (is_library_time) present |= kLibraryTime;
  if (skipped_ > 0) present |= kGap;
  writer_.varint(present);
  if (skipped_ > 0) writer_.varint(skipped_);
  if (has_own) {
    writer_.signed_varint(whole_milliseconds(life_) - whole_milliseconds(carried->life));
    if (is_library_time) writer_.signed_varint(carried->wall_offset->count());
  }
  const auto& id = event.id.bytes();
  bytes_.append(id.begin(), id.end());
  const std::int64_t time = event.time.value_or(Timestamp{}).time_since_epoch().count();
  writer_.signed_varint(static_cast<std::int64_t>(static_cast<std::uint64_t>(time) -
                                                  static_cast<std::uint64_t>(time_)));
  time_ = time;
  shared_text(event.topic);
  shared_text(event.source);
  shared_text(event.type);
  if ((present & kKey) != 0) shared_text(event.key);
  if ((present & kContentType) != 0) shared_text(event.content_type);
  if ((present & kSchema) != 0) shared_text(event.schema);
  if ((present & kCorrelation) != 0) writer_.text(event.correlation_id);
  if ((present & kCausation) != 0) writer_.text(event.causation_id);
  if ((present & kTrace) != 0) writer_.text(event.trace_parent);
  if ((present & kExpires) != 0) writer_.signed_varint(event.expires_after->count());
  if ((present & kAttributes) != 0) {
    writer_.varint(event.attributes.size());
    for (const Attribute& attribute : event.attributes) {
      shared_text(attribute.name);
      writer_.text(attribute.value);
    }
  }
  if ((present & kNotBefore) != 0) writer_.signed_varint(event.not_before->count());
  writer_.text(event.data);
  count_ += skipped_ + 1;
  skipped_ = 0;
}

void SegmentWriter::finish(std::uint32_t stream, std::uint64_t last_sequence) {
  writer_.fixed32(checksum(bytes_, stream, last_sequence, count_));
}

std::string lost_segment(std::uint32_t stream, std::uint64_t last_sequence, std::uint64_t count) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.byte(kSegmentFormat);
  writer.byte(kLost);
  writer.varint(0);  // life
  writer.varint(count);
  writer.fixed32(checksum(bytes, stream, last_sequence, count));
  return bytes;
}

SegmentReader::SegmentReader(std::string bytes, std::uint64_t first, std::uint64_t last)
    : bytes_(std::move(bytes)), next_sequence_(first), last_sequence_(last) {}

bool SegmentReader::read_header() {
  ByteReader reader(bytes_);
  if (reader.byte() >= 2) {
    const std::uint8_t flags = reader.byte();
    moment_.life = std::chrono::milliseconds(
        static_cast<std::int64_t>(std::min<std::uint64_t>(reader.varint(), kLifeMax)));
    const std::uint64_t count = last_sequence_ - next_sequence_ + 1;
    if (flags > kFlagsMax || ((flags & kLost) != 0 && flags != kLost)) return false;
    if ((flags & kWallUntrusted) != 0) moment_.wall_offset = Duration(reader.signed_varint());
    if ((flags & kEndsEarly) != 0) left_out_at_end_ = reader.varint();
    if (flags == kLost) {
      if (reader.varint() != count) return false;
      is_lost_ = true;
      left_out_at_end_ = count;
    }
    if (left_out_at_end_ > count) return false;
  }
  at_ = reader.position();
  return !reader.has_failed() && (has_next() || pass_end());
}

// Where there are no events any more; false when there are bytes all the same.
bool SegmentReader::pass_end() {
  next_sequence_ = last_sequence_ + 1;
  return at_ == bytes_.size();
}

Result<SegmentReader> SegmentReader::open(std::string bytes, std::uint32_t stream,
                                          std::uint64_t last_sequence, std::uint64_t count) {
  if (bytes.size() <= kCrc32cBytes || count == 0 || count > last_sequence) {
    return Status(Code::corrupt, "segment too short");
  }
  const std::size_t size = bytes.size() - kCrc32cBytes;
  ByteReader tail(std::string_view(bytes).substr(size));
  const std::string_view content = std::string_view(bytes).substr(0, size);
  if (tail.fixed32() != checksum(content, stream, last_sequence, count)) {
    return Status(Code::corrupt, "checksum wrong");
  }
  const auto format = static_cast<std::uint8_t>(bytes.front());
  if (format == 0 || format > kSegmentFormat) {
    return Status(Code::unsupported, "segment format unknown: made by a newer edgepost");
  }
  bytes.resize(size);
  SegmentReader reader(std::move(bytes), last_sequence - count + 1, last_sequence);
  if (!reader.read_header()) return Status(Code::corrupt, "segment header malformed");
  return reader;
}

std::string SegmentReader::shared_text(ByteReader& reader) {
  const std::uint64_t head = reader.varint();
  if ((head & 1U) == 0) {
    const std::string_view text = reader.raw(head / 2);
    const std::size_t offset = at_ + reader.position() - text.size();
    if (texts_.size() < kSharedTexts) texts_.push_back({offset, text.size()});
    return std::string(text);
  }
  if (head / 2 >= texts_.size()) {
    reader.raw(~std::uint64_t{0});  // marks the reader as failed
    return {};
  }
  const Place place = texts_[static_cast<std::size_t>(head / 2)];
  return bytes_.substr(place.offset, place.size);
}

void SegmentReader::optional_fields(ByteReader& reader, std::uint64_t present, Event& event) {
  if ((present & kKey) != 0) event.key = shared_text(reader);
  if ((present & kContentType) != 0) event.content_type = shared_text(reader);
  if ((present & kSchema) != 0) event.schema = shared_text(reader);
  if ((present & kCorrelation) != 0) event.correlation_id = reader.text();
  if ((present & kCausation) != 0) event.causation_id = reader.text();
  if ((present & kTrace) != 0) event.trace_parent = reader.text();
  if ((present & kExpires) != 0) event.expires_after = Duration(reader.signed_varint());
  if ((present & kAttributes) != 0) {
    const std::uint64_t count = std::min(reader.varint(), kAttributesMax);
    for (std::uint64_t i = 0; i < count; ++i) {
      std::string name = shared_text(reader);
      event.attributes.push_back({std::move(name), std::string(reader.text())});
    }
  }
  if ((present & kNotBefore) != 0) event.not_before = Duration(reader.signed_varint());
}

Result<Stored> SegmentReader::next() {
  EDGEPOST_ASSERT(has_next());
  ByteReader reader(std::string_view(bytes_).substr(at_));
  Stored stored;
  stored.life = moment_.life;
  Event& event = stored.event;
  const std::uint64_t present = reader.varint();
  const std::uint64_t skipped = (present & kGap) != 0 ? reader.varint() : 0;
  if ((present & kLibraryTime) != 0) stored.wall_offset = moment_.wall_offset;
  if ((present & kOwnMoment) != 0) {
    const std::int64_t earlier = std::clamp(reader.signed_varint(), -kLifeMax, kLifeMax);
    stored.life -= std::chrono::milliseconds(earlier);
    if ((present & kLibraryTime) != 0) stored.wall_offset = Duration(reader.signed_varint());
  }
  const std::string_view id = reader.raw(event.id.bytes().size());
  if (!reader.has_failed()) {
    std::array<std::uint8_t, 16> octets{};
    std::copy(id.begin(), id.end(), octets.begin());
    event.id = EventId(octets);
  }
  time_ = static_cast<std::int64_t>(static_cast<std::uint64_t>(time_) +
                                    static_cast<std::uint64_t>(reader.signed_varint()));
  event.time = Timestamp(Duration(time_));
  event.topic = shared_text(reader);
  event.source = shared_text(reader);
  event.type = shared_text(reader);
  optional_fields(reader, present, event);
  event.data = reader.text();
  if (reader.has_failed() || present > kAll ||
      skipped > last_sequence_ - left_out_at_end_ - next_sequence_) {
    return Status(Code::corrupt, "event record malformed");
  }
  event.sequence = next_sequence_ + skipped;
  next_sequence_ = event.sequence + 1;
  at_ += reader.position();
  if (!has_next() && !pass_end()) {
    return Status(Code::corrupt, "segment longer than its events");
  }
  return stored;
}

}  // namespace edgepost::store
