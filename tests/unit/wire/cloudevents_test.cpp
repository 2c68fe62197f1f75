#include "wire/cloudevents.hpp"

#include <doctest.h>

#include <algorithm>
#include <string>

namespace edgepost::wire {
namespace {

Event reading() {
  Event event;
  event.topic = "plant/pump";
  event.data = "21.5";
  event.source = "/gw-1";
  event.type = "com.example.reading";
  event.id = EventId::parse("0193a3b5-7c00-7000-8000-000000000001").value();
  event.time = Timestamp(std::chrono::seconds(1795244400));
  return event;
}

Event reading(std::string content_type, std::string data) {
  Event event = reading();
  event.content_type = std::move(content_type);
  event.data = std::move(data);
  return event;
}

std::string json(const Event& event) {
  std::string out;
  append_json(event, out);
  return out;
}

/// The member that holds the data, or nothing.
std::string data_member(const Event& event) {
  const std::string all = json(event);
  const std::size_t at = std::min(all.find(",\"data\":"), all.find(",\"data_base64\":"));
  return at == std::string::npos ? "" : all.substr(at + 1, all.size() - at - 2);
}

std::string value_of(const Event& event, std::string_view name) {
  for (const auto& [key, value] : attributes(event)) {
    if (key == name) return value;
  }
  return "(absent)";
}

}  // namespace

TEST_CASE("cloudevents: attributes come in a fixed order, absent ones not at all") {
  Event event = reading();
  event.schema = "urn:s";
  event.key = "pump-7";
  event.sequence = 18'446'744'073'709'551'615U;
  event.correlation_id = "c";
  event.causation_id = "d";
  event.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.expires_after = std::chrono::minutes(1);
  event.attributes = {{"unit", "C"}, {"site", "north"}};
  std::string names;
  for (const auto& [name, value] : attributes(event))
    names.append(name).append(" ");
  CHECK(names ==
        "specversion id source type subject time dataschema partitionkey sequence correlationid "
        "causationid traceparent expirytime unit site ");
  CHECK(value_of(event, "sequence") == "18446744073709551615");
  CHECK(value_of(event, "expirytime") == "2026-11-21T07:01:00.000000Z");
  CHECK(value_of(event, "site") == "north");
  CHECK(attributes(Event{}).size() == 2);
  CHECK(value_of(Event{}, "specversion") == "1.0");
  CHECK(value_of(Event{}, "type") == "edgepost.event");
}

TEST_CASE("cloudevents: an expiry beyond the calendar is written as its end") {
  Event event = reading();
  event.expires_after = Duration::max();
  CHECK(value_of(event, "expirytime") == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("cloudevents: an event is one JSON object") {
  CHECK(
      json(reading("application/json", "21.5")) ==
      R"({"specversion":"1.0","id":"0193a3b5-7c00-7000-8000-000000000001","source":"/gw-1",)"
      R"("type":"com.example.reading","subject":"plant/pump",)"
      R"("time":"2026-11-21T07:00:00.000000Z","datacontenttype":"application/json","data":21.5})");
}

TEST_CASE("cloudevents: JSON data stands as a value, without line breaks") {
  CHECK(data_member(reading("application/json", "{\"a\":\r\n 1}")) == "\"data\":{\"a\": 1}");
  CHECK(data_member(reading("Application/JSON; charset=utf-8", "[]")) == "\"data\":[]");
  CHECK(data_member(reading("application/senml+json", "\"x\"")) == "\"data\":\"x\"");
}

TEST_CASE("cloudevents: data that claims to be JSON and is not travels as base64") {
  CHECK(data_member(reading("application/json", "{")) == "\"data_base64\":\"ew==\"");
  CHECK(data_member(reading("text/json", "x")) == "\"data_base64\":\"eA==\"");
}

TEST_CASE("cloudevents: text stands as a string, other data as base64, empty data not at all") {
  CHECK(data_member(reading("", "21.5\n")) == "\"data\":\"21.5\\n\"");
  CHECK(data_member(reading("text/plain", "a")) == "\"data\":\"a\"");
  CHECK(data_member(reading("", "\xFF")) == "\"data_base64\":\"/w==\"");
  CHECK(data_member(reading("text/csv", "\xFF")) == "\"data_base64\":\"/w==\"");
  CHECK(data_member(reading("application/cbor", "a")) == "\"data_base64\":\"YQ==\"");
  CHECK(data_member(reading("application/json", "")) == "");
  CHECK(data_member(reading("", "")) == "");
}

TEST_CASE("cloudevents: a batch is a JSON array of events in their order") {
  const Event first = reading("", "1");
  const Event second = reading("", "2");
  const Event* const events[] = {&first, &second};
  std::string one;
  append_json(first, one);
  std::string other;
  append_json(second, other);
  std::string out;
  append_batch(events, out);
  CHECK(out == "[" + one + "," + other + "]");
  out.clear();
  append_batch({}, out);
  CHECK(out == "[]");
}

TEST_CASE("cloudevents: the media types of JSON are known in any case, with parameters") {
  CHECK(is_json_type("application/json"));
  CHECK(is_json_type("TEXT/JSON ; charset=utf-8"));
  CHECK(is_json_type("application/vnd.api+json"));
  CHECK_FALSE(is_json_type(""));
  CHECK_FALSE(is_json_type("application/jsonl"));
  CHECK_FALSE(is_json_type("text/plain; a=application/json"));
}

}  // namespace edgepost::wire
