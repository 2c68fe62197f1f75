#include "store/segment.hpp"

#include <doctest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

using namespace edgepost;
using store::Moment;
using store::SegmentReader;
using store::SegmentWriter;
using store::Stored;

namespace {

constexpr std::uint32_t kStream = 7;

Event reading(const std::string& data) {
  Event event;
  event.topic = "plant/line/4/temperature";
  event.source = "/gw-1";
  event.type = "reading";
  event.data = data;
  event.id = EventId({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16});
  event.time = Timestamp(std::chrono::microseconds(1'700'000'000'123'456));
  return event;
}

Event full_event() {
  Event event = reading(std::string("\0\xff binary", 9));
  event.key = "line-4";
  event.content_type = "application/json";
  event.schema = "https://example.com/reading.json";
  event.expires_after = std::chrono::hours(1);
  event.not_before = std::chrono::minutes(3);
  event.correlation_id = "order-17";
  event.causation_id = "0190163d-8694-739b-aea5-966c26f8ad90";
  event.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.attributes = {{"region", "north"}, {"severity", ""}};
  return event;
}

std::string pack(const std::vector<Event>& events, std::uint64_t last) {
  SegmentWriter writer(Moment{});
  for (const Event& event : events)
    writer.add(event);
  writer.finish(kStream, last);
  return writer.bytes();
}

Result<SegmentReader> unpack(std::string bytes, std::uint64_t last, std::uint64_t count) {
  return SegmentReader::open(std::move(bytes), kStream, last, count);
}

std::vector<Event> all(SegmentReader& reader) {
  std::vector<Event> events;
  while (reader.has_next()) {
    Result<Stored> stored = reader.next();
    REQUIRE(stored.is_ok());
    events.push_back(std::move(stored->event));
  }
  return events;
}

}  // namespace

TEST_CASE("segment: every field of an event comes back as it was") {
  Event before_1970 = reading("");
  before_1970.time = Timestamp(std::chrono::microseconds(-62'000'000'000'000'000));
  std::vector<Event> events = {full_event(), reading("21.5"), before_1970, full_event()};
  auto reader = unpack(pack(events, 12), 12, events.size());
  REQUIRE(reader.is_ok());
  for (std::size_t i = 0; i < events.size(); ++i)
    events[i].sequence = 9 + i;
  CHECK(all(*reader) == events);
}

TEST_CASE("segment: a text that repeats is stored once") {
  const std::size_t one = pack({reading("21.5")}, 1).size();
  const std::size_t two = pack({reading("21.5"), reading("21.5")}, 2).size();
  CHECK(two - one < one - reading("").topic.size());
}

TEST_CASE("segment: more different topics than are shared come back as well") {
  std::vector<Event> events;
  for (int i = 0; i < 200; ++i) {
    events.push_back(reading(std::to_string(i)));
    events.back().topic = "sensor/" + std::to_string(i % 100);
  }
  auto reader = unpack(pack(events, 200), 200, 200);
  REQUIRE(reader.is_ok());
  for (std::size_t i = 0; i < events.size(); ++i)
    events[i].sequence = 1 + i;
  CHECK(all(*reader) == events);
}

TEST_CASE("segment: a changed byte anywhere is noticed") {
  const std::string sound = pack({full_event(), reading("21.5")}, 2);
  for (std::size_t i = 0; i < sound.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string rotten = sound;
      rotten[i] = static_cast<char>(static_cast<unsigned char>(rotten[i]) ^ (1U << bit));
      const auto reader = unpack(rotten, 2, 2);
      REQUIRE_FALSE(reader.is_ok());
      CHECK(reader.status().code() == Code::corrupt);
    }
  }
}

TEST_CASE("segment: a segment of another place or stream, or cut short, is noticed") {
  const std::string sound = pack({reading("21.5")}, 5);
  CHECK_FALSE(unpack(sound, 6, 1).is_ok());
  CHECK_FALSE(SegmentReader::open(sound, kStream + 1, 5, 1).is_ok());
  for (std::size_t size = 0; size < sound.size(); ++size) {
    CHECK_FALSE(unpack(sound.substr(0, size), 5, 1).is_ok());
  }
  CHECK_FALSE(unpack(sound, 5, 0).is_ok());
  CHECK_FALSE(unpack(sound, 5, 6).is_ok());
}

TEST_CASE("segment: a count that rotted is noticed before any event is given a sequence by it") {
  CHECK(unpack(pack({reading("a")}, 5), 5, 2).status().code() == Code::corrupt);
  CHECK(unpack(pack({reading("a"), reading("b")}, 5), 5, 1).status().code() == Code::corrupt);
  CHECK(unpack(store::lost_segment(kStream, 9, 4), 9, 3).status().code() == Code::corrupt);
}

TEST_CASE("segment: the moment and what the library gave as time come back") {
  const Duration life = std::chrono::hours(24 * 365) + Duration(1'999);
  SegmentWriter writer({.life = life, .wall_offset = Duration(-5)});
  writer.add(reading("its own time"));
  writer.add(reading("the library's"), true);
  writer.finish(kStream, 2);
  auto reader = unpack(writer.bytes(), 2, 2);
  REQUIRE(reader.is_ok());
  CHECK(reader->moment().wall_offset == Duration(-5));
  auto own = reader->next();
  auto given = reader->next();
  REQUIRE(own.is_ok());
  REQUIRE(given.is_ok());
  CHECK(own->life == life - Duration(999));  // whole milliseconds
  CHECK(own->wall_offset == std::nullopt);
  CHECK(given->wall_offset == Duration(-5));
}

TEST_CASE("segment: a time given by a trusted clock is not to be corrected") {
  SegmentWriter writer({.life = Duration(7'000'000)});
  writer.add(reading("21.5"), true);
  writer.finish(kStream, 1);
  auto reader = unpack(writer.bytes(), 1, 1);
  REQUIRE(reader.is_ok());
  CHECK(reader->moment().wall_offset == std::nullopt);
  CHECK(reader->next()->wall_offset == std::nullopt);
}

TEST_CASE("segment: sequences that were left out stay left out") {
  SegmentWriter writer(Moment{});
  writer.add(full_event());
  writer.skip(1);
  writer.skip(200);
  writer.add(reading("b"));
  writer.add(reading("c"));
  CHECK(writer.count() == 204);
  writer.finish(kStream, 1'000);
  auto reader = unpack(writer.bytes(), 1'000, 204);
  REQUIRE(reader.is_ok());
  std::vector<std::uint64_t> sequences;
  for (const Event& event : all(*reader))
    sequences.push_back(event.sequence);
  CHECK(sequences == std::vector<std::uint64_t>{797, 999, 1'000});
}

TEST_CASE("segment: sequences are left out at both ends, and all of them") {
  SegmentWriter writer(Moment{}, 5);
  writer.skip(2);
  writer.add(reading("a"));
  CHECK(writer.count() == 8);
  writer.finish(kStream, 10);
  auto reader = unpack(writer.bytes(), 10, 8);
  REQUIRE(reader.is_ok());
  CHECK(all(*reader).front().sequence == 5);
  CHECK(reader->next_sequence() == 11);
  CHECK(unpack(writer.bytes(), 10, 4).status().code() == Code::corrupt);
  CHECK(unpack(writer.bytes(), 10, 7).status().code() == Code::corrupt);
  SegmentWriter empty(Moment{}, 3);
  empty.finish(kStream, 10);
  auto nothing = unpack(empty.bytes(), 10, 3);
  REQUIRE(nothing.is_ok());
  CHECK_FALSE(nothing->has_next());
  CHECK_FALSE(nothing->is_lost());
  CHECK(nothing->next_sequence() == 11);
  CHECK(unpack(empty.bytes(), 10, 2).status().code() == Code::corrupt);
}

TEST_CASE("segment: an event that is carried over keeps its moment") {
  const Duration life = std::chrono::hours(10);
  const Stored early{.event = reading("a"), .life = std::chrono::hours(2), .wall_offset = {}};
  const Stored guessed{.event = reading("b"), .life = life, .wall_offset = Duration(-5)};
  const Stored old{.event = reading("c"), .life = {}, .wall_offset = {}};
  const Stored same{.event = reading("d"), .life = life, .wall_offset = {}};
  SegmentWriter writer({.life = life, .wall_offset = {}});
  for (const Stored* stored : {&early, &guessed, &old, &same})
    writer.carry(*stored);
  writer.finish(kStream, 4);
  auto reader = unpack(writer.bytes(), 4, 4);
  REQUIRE(reader.is_ok());
  for (const Stored* stored : {&early, &guessed, &old, &same}) {
    const auto next = reader->next();
    REQUIRE(next.is_ok());
    CHECK(next->event.data == stored->event.data);
    CHECK(next->life == stored->life);
    CHECK(next->wall_offset == stored->wall_offset);
  }
}

TEST_CASE("segment: a gap that leaves the segment is noticed") {
  SegmentWriter writer(Moment{});
  writer.add(reading("a"));
  writer.skip(3);
  writer.add(reading("b"));
  writer.finish(kStream, 9);
  CHECK(unpack(writer.bytes(), 9, 5).is_ok());
  CHECK(unpack(writer.bytes(), 9, 4).status().code() == Code::corrupt);
}

TEST_CASE("segment: format 1 is still read") {
  constexpr std::string_view kOld(
      "\x01\x41\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x80\x89\x81\x82"
      "\x83\x89\x85\x06\x06\x61\x2f\x62\x0a\x2f\x67\x77\x2d\x31\x02\x74\x02\x6b\x80\x90\x9d\xe9"
      "\x1a\x04\x32\x31\x2e\x35\x41\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
      "\x10\x00\x01\x03\x05\x07\x80\x90\x9d\xe9\x1a\x04\x32\x31\x2e\x35\x7c\xc5\xb7\x6d",
      86);
  Event event = reading("21.5");
  event.topic = "a/b";
  event.type = "t";
  event.key = "k";
  event.expires_after = std::chrono::hours(1);
  auto reader = unpack(std::string(kOld), 5, 2);
  REQUIRE(reader.is_ok());
  CHECK(reader->moment().life == Duration::zero());
  event.sequence = 4;
  const Event next = all(*reader).front();
  CHECK(next == event);
}

TEST_CASE("segment: a format of the future is told from damage") {
  std::string bytes = pack({reading("21.5")}, 1);
  bytes.resize(bytes.size() - 4);
  bytes.front() = '\x03';
  const std::string place = {static_cast<char>(kStream), '\x01', '\x01'};
  ByteWriter(bytes).fixed32(crc32c(bytes, crc32c(place)));
  CHECK(unpack(bytes, 1, 1).status().code() == Code::unsupported);
}

TEST_CASE("segment: what is lost is known by its number, which cannot change unseen [P-06]") {
  const std::string bytes = store::lost_segment(3, 100, 10);
  const auto reader = SegmentReader::open(bytes, 3, 100, 10);
  REQUIRE(reader.is_ok());
  CHECK(reader->is_lost());
  CHECK_FALSE(reader->has_next());
  CHECK(SegmentReader::open(bytes, 3, 100, 11).status().code() == Code::corrupt);
  CHECK(SegmentReader::open(bytes, 3, 101, 10).status().code() == Code::corrupt);
}
