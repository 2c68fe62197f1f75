#include "store/segment.hpp"

#include <doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace edgepost;
using store::SegmentReader;
using store::SegmentWriter;

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
  event.correlation_id = "order-17";
  event.causation_id = "0190163d-8694-739b-aea5-966c26f8ad90";
  event.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.attributes = {{"region", "north"}, {"severity", ""}};
  return event;
}

std::string pack(const std::vector<Event>& events, std::uint64_t last) {
  SegmentWriter writer;
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
    Result<Event> event = reader.next();
    REQUIRE(event.is_ok());
    events.push_back(std::move(*event));
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

TEST_CASE("segment: a wrong count is noticed when the events do not fill it") {
  auto too_many = unpack(pack({reading("a")}, 5), 5, 2);
  REQUIRE(too_many.is_ok());
  CHECK(too_many->next().is_ok());
  CHECK(too_many->next().status().code() == Code::corrupt);
  auto too_few = unpack(pack({reading("a"), reading("b")}, 5), 5, 1);
  REQUIRE(too_few.is_ok());
  CHECK(too_few->next().status().code() == Code::corrupt);
}
