#include "edgepost/event.hpp"

#include <doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using edgepost::Attribute;
using edgepost::Code;
using edgepost::Duration;
using edgepost::Event;
using edgepost::EventId;
using edgepost::Timestamp;

namespace {

constexpr std::string_view kId = "0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f506";
constexpr std::string_view kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

Event reading() {
  Event event;
  event.topic = "oven/1/temperature";
  event.data = R"({"celsius":181.5})";
  return event;
}

std::string complaint(const Event& event) {
  const edgepost::Status status = validate(event, {});
  CHECK(status.code() == (status.is_ok() ? Code::ok : Code::invalid_argument));
  return status.message();
}

// What validate says about a reading in which one text is replaced.
std::string complaint(std::string Event::*field, std::string_view value) {
  Event event = reading();
  event.*field = value;
  return complaint(event);
}

std::string attribute_complaint(std::vector<Attribute> attributes) {
  Event event = reading();
  event.attributes = std::move(attributes);
  return complaint(event);
}

EventId id(std::string_view text) { return EventId::parse(text).value(); }

}  // namespace

TEST_CASE("event id: its text is read in either case and written in lower case") {
  CHECK(id(kId).to_string() == kId);
  CHECK(id("0192F3A4-5B6C-7D8E-9FA0-B1C2D3E4F506") == id(kId));
  CHECK(id(kId).bytes()[0] == 0x01);
  CHECK(id(kId).bytes()[15] == 0x06);
}

TEST_CASE("event id: anything but the 36 characters of a UUID is refused") {
  const auto refusal = [](std::string_view text) {
    const auto result = EventId::parse(text);
    CHECK(result.status().code() == Code::invalid_argument);
    return result.status().message();
  };
  CHECK(refusal("") == "id: 0 bytes, a UUID has 36");
  CHECK(refusal(std::string(kId) + "0") == "id: 37 bytes, a UUID has 36");
  CHECK(refusal("0192f3a4+5b6c-7d8e-9fa0-b1c2d3e4f506") ==
        "id: byte 8 is '+', not what a UUID has there");
  CHECK(refusal("0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f50g") ==
        "id: byte 35 is 'g', not what a UUID has there");
}

TEST_CASE("event id: ids order as their bytes do, and only the zero id is nil") {
  CHECK(id(kId) < id("0192f3a4-5b6c-7d8e-9fa0-b1c2d3e4f507"));
  CHECK(EventId().is_nil());
  CHECK(EventId().to_string() == "00000000-0000-0000-0000-000000000000");
  CHECK_FALSE(id("00000000-0000-0000-0000-000000000001").is_nil());
}

TEST_CASE("event: a topic is enough, and every field may be used") {
  Event event = reading();
  CHECK(complaint(event).empty());
  event.key = "oven-1";
  event.type = "com.example.reading";
  event.content_type = "application/json; charset=utf-8";
  event.schema = "https://example.com/reading/2";
  event.source = "/gateway/7#oven";
  event.id = id(kId);
  event.time = Timestamp(std::chrono::seconds(1'700'000'000));
  event.expires_after = Duration(1);
  event.correlation_id = "batch 12";
  event.causation_id = kId;
  event.trace_parent = kTrace;
  event.attributes = {{"site", "Zürich"}, {"line2", ""}};
  CHECK(complaint(event).empty());
}

TEST_CASE("event: data is any bytes up to the limit") {
  Event event = reading();
  event.data = std::string("\0\xFF\n", 3);
  CHECK(validate(event, {.data_bytes_max = 3}).is_ok());
  event.data += "x";
  const edgepost::Status status = validate(event, {.data_bytes_max = 3});
  CHECK(status.code() == Code::invalid_argument);
  CHECK(status.message() == "data: 4 bytes, at most 3 are allowed");
  event.data = std::string(256 * 1024 + 1, 'x');
  CHECK(complaint(event) == "data: 262145 bytes, at most 262144 are allowed");
}

TEST_CASE("event: a published topic is checked as a topic") {
  CHECK(complaint(&Event::topic, "sensors+") ==
        "topic: byte 7 is '+', a wildcard cannot stand in a published topic");
}

TEST_CASE("event: key, type and ids are texts of at most 255 bytes") {
  const std::pair<std::string Event::*, std::string> fields[] = {
      {&Event::key, "key"},
      {&Event::type, "type"},
      {&Event::correlation_id, "correlation_id"},
      {&Event::causation_id, "causation_id"}};
  for (const auto& [field, name] : fields) {
    CHECK(complaint(field, std::string(255, 'a')).empty());
    CHECK(complaint(field, std::string(256, 'a')) == name + ": 256 bytes, at most 255 are allowed");
    CHECK(complaint(field, "ab\t") ==
          name + ": byte 2 is 0x09, a control character is not allowed");
  }
}

TEST_CASE("event: the content type is a media type") {
  for (const std::string_view good :
       {"text/plain", "application/vnd.a+json", "a/b;c=d", "a/b ; c=d;e=\"f; \\\" g\""}) {
    CAPTURE(good);
    CHECK(complaint(&Event::content_type, good).empty());
  }
  const std::string rule = "not part of a media type such as application/json";
  const std::pair<std::string_view, std::string> broken[] = {
      {"text plain", "4 is ' '"}, {"/json", "0 is '/'"},        {"a//b", "2 is '/'"},
      {"a/b, c/d", "3 is ','"},   {"a/b;c d", "5 is ' '"},      {"a/b;=d", "4 is '='"},
      {"a/b;c=\"d", "6 is '\"'"}, {"a/b;c=\"é\"", "6 is '\"'"}, {"a/b;c=d e", "8 is 'e'"}};
  for (const auto& [text, place] : broken) {
    CHECK(complaint(&Event::content_type, text) == "content_type: byte " + place + ", " + rule);
  }
  for (const std::string_view unfinished : {"json", "text/", "a/b;", "a/b;c", "a/b;c=", "a/b "}) {
    CAPTURE(unfinished);
    CHECK(complaint(&Event::content_type, unfinished) ==
          "content_type: ends before it is a media type such as application/json");
  }
  CHECK(complaint(&Event::content_type, "a/" + std::string(254, 'b')) ==
        "content_type: 256 bytes, at most 255 are allowed");
}

TEST_CASE("event: source and schema have the characters of a URI reference") {
  CHECK(complaint(&Event::source, "../a%20b?c=[1]").empty());
  CHECK(complaint(&Event::source, "gateway 7") ==
        "source: byte 7 is ' ', not allowed in a URI reference");
  CHECK(complaint(&Event::source, "a%2x") ==
        "source: byte 1 is '%', two hexadecimal digits must follow it");
  CHECK(complaint(&Event::source, "a%2") ==
        "source: byte 1 is '%', two hexadecimal digits must follow it");
  CHECK(complaint(&Event::schema, "urn:a\"b") ==
        "schema: byte 5 is '\"', not allowed in a URI reference");
  CHECK(complaint(&Event::source, std::string(1025, 'a')) ==
        "source: 1025 bytes, at most 1024 are allowed");
}

TEST_CASE("event: a schema begins with its scheme") {
  CHECK(complaint(&Event::schema, "urn:example:1").empty());
  for (const std::string_view relative : {"/reading/2", "reading", ":x", "7:x", "a/b:c"}) {
    CAPTURE(relative);
    CHECK(complaint(&Event::schema, relative) ==
          "schema: a whole URI is wanted, beginning with its scheme");
  }
}

TEST_CASE("event: the trace parent has the form of W3C Trace Context") {
  const auto altered = [](std::size_t at, std::string_view text) {
    return std::string(kTrace).replace(at, text.size(), text);
  };
  const std::string rule = "lower-case hexadecimal version-trace-parent-flags is wanted";
  CHECK(complaint(&Event::trace_parent, kTrace).empty());
  CHECK(complaint(&Event::trace_parent, kTrace.substr(1)) ==
        "trace_parent: 54 bytes, exactly 55 are wanted");
  CHECK(complaint(&Event::trace_parent, altered(2, "_")) == "trace_parent: byte 2 is '_', " + rule);
  CHECK(complaint(&Event::trace_parent, altered(4, "A")) == "trace_parent: byte 4 is 'A', " + rule);
  CHECK(complaint(&Event::trace_parent, altered(0, "ff")) ==
        "trace_parent: version ff is not allowed");
  CHECK(complaint(&Event::trace_parent, altered(3, std::string(32, '0'))) ==
        "trace_parent: the trace id is zero");
  CHECK(complaint(&Event::trace_parent, altered(36, std::string(16, '0'))) ==
        "trace_parent: the parent id is zero");
}

TEST_CASE("event: times stay within the four digits of a year") {
  using namespace std::chrono;
  const Timestamp earliest = sys_days(year(0) / January / 1);
  const Timestamp latest = sys_days(year(9999) / December / 31) + hours(24) - Duration(1);
  Event event = reading();
  event.time = earliest;
  CHECK(complaint(event).empty());
  event.time = latest;
  CHECK(complaint(event).empty());
  event.time = earliest - Duration(1);
  CHECK(complaint(event) == "time: outside the years 0000 to 9999");
  event.time = latest + Duration(1);
  CHECK(complaint(event) == "time: outside the years 0000 to 9999");
}

TEST_CASE("event: a time to live is more than zero and ends before the year 10000") {
  Event event = reading();
  event.expires_after = Duration::zero();
  CHECK(complaint(event) == "expires_after: must be more than zero");
  event.expires_after = Duration::min();
  CHECK(complaint(event) == "expires_after: must be more than zero");
  event.expires_after = Duration::max();
  CHECK(complaint(event) == "expires_after: ends after the year 9999");
  event.time = Timestamp(std::chrono::sys_days(std::chrono::year(9999) / 12 / 31));
  event.expires_after = std::chrono::hours(24);
  CHECK(complaint(event) == "expires_after: ends after the year 9999");
  event.expires_after = std::chrono::hours(24) - Duration(1);
  CHECK(complaint(event).empty());
}

TEST_CASE("event: a delay is more than zero and ends before the year 10000") {
  Event event = reading();
  event.not_before = Duration::zero();
  CHECK(complaint(event) == "not_before: must be more than zero");
  event.not_before = Duration::max();
  CHECK(complaint(event) == "not_before: ends after the year 9999");
  event.not_before = Duration(1);
  CHECK(complaint(event).empty());
}

TEST_CASE("event: attribute names are 1 to 20 characters of a-z and 0-9") {
  CHECK(attribute_complaint({{"a", "x"}, {std::string(20, '9'), "x"}}).empty());
  CHECK(attribute_complaint({{"", "x"}}) == "attributes[0].name: 0 bytes, 1 to 20 are wanted");
  CHECK(attribute_complaint({{"a", "x"}, {std::string(21, 'b'), "x"}}) ==
        "attributes[1].name: 21 bytes, 1 to 20 are wanted");
  CHECK(attribute_complaint({{"siteName", "x"}}) ==
        "attributes[0].name: byte 4 is 'N', only a-z and 0-9 are allowed");
}

TEST_CASE("event: no attribute takes the name of a field or of another attribute") {
  for (const std::string name :
       {"causationid", "correlationid", "data", "datacontenttype", "dataschema", "expirytime", "id",
        "key", "partitionkey", "sequence", "source", "specversion", "subject", "time", "topic",
        "traceparent", "type"}) {
    CHECK(attribute_complaint({{name, "x"}}) ==
          "attributes[0].name: '" + name + "' means something else in every event");
  }
  CHECK(attribute_complaint({{"a", "x"}, {"b", "x"}, {"a", "y"}}) ==
        "attributes[2].name: 'a' is there twice");
}

TEST_CASE("event: there are at most 32 attributes, each with at most 1,024 bytes") {
  CHECK(attribute_complaint({{"a", std::string(1024, 'x')}}).empty());
  CHECK(attribute_complaint({{"a", std::string(1025, 'x')}}) ==
        "attributes[0].value: 1025 bytes, at most 1024 are allowed");
  CHECK(attribute_complaint({{"a", "x\x1Fy"}}) ==
        "attributes[0].value: byte 1 is 0x1f, a control character is not allowed");
  std::vector<Attribute> many;
  for (int i = 0; i < 32; ++i)
    many.push_back({"a" + std::to_string(i), ""});
  CHECK(attribute_complaint(many).empty());
  many.push_back({"b", ""});
  CHECK(attribute_complaint(many) == "attributes: 33, at most 32 are allowed");
}

TEST_CASE("event: a caused event names its parent and begins a conversation with its id") {
  Event parent = reading();
  parent.id = id(kId);
  parent.trace_parent = kTrace;
  const Event child = reading().caused_by(parent);
  CHECK(child.causation_id == kId);
  CHECK(child.correlation_id == kId);
  CHECK(child.trace_parent == kTrace);
  CHECK(child.topic == reading().topic);
}

TEST_CASE("event: a caused event joins its parent's conversation and keeps its own trace") {
  Event parent = reading();
  parent.id = id(kId);
  parent.correlation_id = "batch 12";
  parent.trace_parent = kTrace;
  Event child = reading();
  child.trace_parent = "00-11111111111111111111111111111111-2222222222222222-00";
  const std::string own_trace = child.trace_parent;
  child = std::move(child).caused_by(parent);
  CHECK(child.causation_id == kId);
  CHECK(child.correlation_id == "batch 12");
  CHECK(child.trace_parent == own_trace);
}

TEST_CASE("event: a parent that was never published leaves no id behind") {
  const Event child = reading().caused_by(reading());
  CHECK(child.causation_id.empty());
  CHECK(child.correlation_id.empty());
}
