#include "wire/parse.hpp"

#include <doctest.h>

#include <random>
#include <string>

#include "wire/cloudevents.hpp"

namespace edgepost::wire {
namespace {

Event parsed(std::string_view json) {
  Result<Event> event = parse_event(json);
  REQUIRE_MESSAGE(event.is_ok(), json, ": ", event.status().message());
  return *event;
}

std::string refusal(std::string_view json) {
  const Result<Event> event = parse_event(json);
  REQUIRE_FALSE_MESSAGE(event.is_ok(), json);
  CHECK(event.status().code() == Code::invalid_argument);
  return event.status().message();
}

/// The complaint about an object that has a topic and this member.
std::string about(std::string_view member) {
  return refusal(std::string("{\"topic\":\"t\",").append(member).append("}"));
}

Event full_event() {
  Event event;
  event.topic = "plant/pump";
  event.data = "21.5";
  event.key = "pump \"7\"\n";
  event.type = "com.example.reading";
  event.content_type = "text/plain";
  event.schema = "urn:s";
  event.source = "/gw-1";
  event.id = EventId::parse("0193a3b5-7c00-7000-8000-000000000001").value();
  event.time = Timestamp(Duration(1'795'244'400'123'456));
  event.expires_after = Duration(90'000'001);
  event.correlation_id = "c\xC3\xA9";
  event.causation_id = "d";
  event.trace_parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  event.attributes = {{"unit", "C"}, {"empty", ""}};
  event.sequence = 18'446'744'073'709'551'615U;
  return event;
}

}  // namespace

TEST_CASE("parse: an event that was written is read back, every field of it") {
  std::string json;
  append_json(full_event(), json);
  CHECK(parsed(json) == full_event());
}

TEST_CASE("parse: data of every kind is read back") {
  const char* const types[] = {"", "text/plain", "application/json", "a/b+json",
                               "application/cbor"};
  const char* const starts[] = {"",  "{\"a\":[1,\"b\"]}", "\"text\"", "null", "1e999",
                                "{", "\xC3\xA9"};
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    Event event = full_event();
    event.content_type = types[random() % std::size(types)];
    event.data = starts[random() % std::size(starts)];
    for (std::size_t n = random() % 3; n > 0; --n)
      event.data.push_back(static_cast<char>(random()));
    std::erase_if(event.data, [](char c) { return c == '\n' || c == '\r'; });
    std::string json;
    append_json(event, json);
    // The white space around a JSON value is not part of it.
    if (is_json_type(event.content_type) && is_json(event.data)) {
      const JsonExtent value = scan_json(event.data);
      event.data = event.data.substr(value.begin, value.end - value.begin);
    }
    REQUIRE_MESSAGE(parsed(json) == event, json);
  }
}

TEST_CASE("parse: the short form needs a topic and nothing else") {
  const Event event =
      parsed(R"( {"topic":"a/b","key":"k","ttl_ms":1500,"not_before_ms":20,"data":"x"} )");
  CHECK(event.topic == "a/b");
  CHECK(event.key == "k");
  CHECK(event.expires_after == Duration(1'500'000));
  CHECK(event.not_before == Duration(20'000));
  CHECK(event.data == "x");
  CHECK(event.content_type.empty());
  CHECK(event.id.is_nil());
  CHECK(refusal("{}") == "subject: missing (or topic)");
}

TEST_CASE("parse: data that is no string is kept byte by byte as JSON") {
  const Event event =
      parsed(R"({"topic":"t","da\u0074a" :  {"n": 12345678901234567890.10} ,"key":"k"})");
  CHECK(event.data == R"({"n": 12345678901234567890.10})");
  CHECK(event.content_type == "application/json");
  CHECK(parsed(R"({"topic":"t","data":null})").data == "null");
  CHECK(parsed(R"({"topic":"t","data":1,"datacontenttype":"a/b"})").content_type == "a/b");
}

TEST_CASE("parse: string data is text, unless its content type is JSON") {
  CHECK(parsed(R"({"topic":"t","data":"a\u0000b"})").data == std::string("a\0b", 3));
  CHECK(parsed(R"({"topic":"t","data":"\u00e9","datacontenttype":"application/json"})").data ==
        R"("\u00e9")");
}

TEST_CASE("parse: unknown names become free attributes") {
  const Event event =
      parsed(R"({"topic":"t","unit":"C","level":1.50,"on":true,"off":false,"no":null})");
  CHECK(event.attributes ==
        std::vector<Attribute>{{"unit", "C"}, {"level", "1.50"}, {"on", "true"}, {"off", "false"}});
  CHECK(about(R"("unit":{})") == "unit: not a string, number or boolean");
  CHECK(about(R"("unit":[1])") == "unit: not a string, number or boolean");
}

TEST_CASE("parse: malformed JSON is refused, naming the byte [P-62]") {
  CHECK(refusal("").starts_with("JSON, byte 0: "));
  CHECK(refusal("[]") == "JSON, byte 0: not an object");
  CHECK(refusal(R"({"topic":"t",})").starts_with("JSON, byte 12: "));
  CHECK(refusal(R"({"topic":"t"} x)").starts_with("JSON, byte 14: "));
  CHECK(refusal("{'topic':'t'}").starts_with("JSON, byte 1: "));
  CHECK(refusal("{\"topic\":\"\xFF\"}").starts_with("JSON, byte 10: "));
  CHECK(about("\"data\":NaN").starts_with("JSON, byte 20: "));
  CHECK(about("\"data\":/**/1").starts_with("JSON, byte 20: "));
}

TEST_CASE("parse: a name that stands twice is refused, under either of its names [P-62]") {
  CHECK(refusal(R"({"topic":"t","topic":"t"})") == "JSON, byte 13: the name stood there before");
  CHECK(refusal(R"({"topic":"t","subject":"t"})") == "JSON, byte 13: the name stood there before");
  CHECK(refusal(R"({"x":1,"topic":"t","\u0078":1})") ==
        "JSON, byte 19: the name stood there before");
  CHECK(about(R"("data":1,"data_base64":"")") == "data_base64: data is there already");
  CHECK(about(R"("time":"2026-11-21T07:00:00Z","expirytime":"2026-11-21T08:00:00Z","ttl_ms":1)") ==
        "expirytime: ttl_ms says it already");
}

TEST_CASE("parse: data may be nested 64 deep and no deeper [P-62]") {
  const auto data = [](std::size_t depth) {
    return "{\"topic\":\"t\",\"data\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(parsed(data(64)).data.size() == 128);
  CHECK(refusal(data(65)) == "JSON, byte 84: nested more than 64 deep");
}

TEST_CASE("parse: an attribute of the wrong kind is refused by its name") {
  CHECK(refusal(R"({"topic":1})") == "subject: not a string");
  CHECK(about(R"("type":[])") == "type: not a string");
  CHECK(about(R"("id":7)") == "id: not a string");
  CHECK(about(R"("id":"7")").starts_with("id: "));
  CHECK(about(R"("specversion":"0.3")") == "specversion: only 1.0 is understood");
  CHECK(about(R"("time":"today")") == "time: not an RFC 3339 time at byte 0");
  CHECK(about(R"("data_base64":"Zg")") == "data_base64: malformed base64 at byte 2");
  CHECK(about(R"("data_base64":1)") == "data_base64: not a string");
}

TEST_CASE("parse: whole numbers are exact over 64 bits and refused beyond") {
  CHECK(parsed(R"({"topic":"t","sequence":18446744073709551615})").sequence == UINT64_MAX);
  CHECK(parsed(R"({"topic":"t","sequence":"9007199254740993"})").sequence ==
        9'007'199'254'740'993U);
  CHECK(about(R"("sequence":18446744073709551616)") == "sequence: not a whole number of 64 bits");
  CHECK(about(R"("sequence":-1)") == "sequence: not a whole number of 64 bits");
  CHECK(about(R"("sequence":1.0)") == "sequence: not a whole number of 64 bits");
  CHECK(about(R"("sequence":true)") == "sequence: not a whole number of 64 bits");
  CHECK(about(R"("ttl_ms":0)") == "ttl_ms: not a whole number of milliseconds above 0");
  CHECK(about(R"("ttl_ms":"9")") == "ttl_ms: not a whole number of milliseconds above 0");
  CHECK(about(R"("ttl_ms":9223372036854776)") ==
        "ttl_ms: not a whole number of milliseconds above 0");
  CHECK(about(R"("not_before_ms":0)") ==
        "not_before_ms: not a whole number of milliseconds above 0");
}

TEST_CASE("parse: an expiry time needs an earlier time to count from") {
  CHECK(
      parsed(
          R"({"topic":"t","time":"2026-11-21T07:00:00Z","expirytime":"2026-11-21T09:00:00+01:00"})")
          .expires_after == std::chrono::hours(1));
  CHECK(about(R"("expirytime":"2026-11-21T07:00:00Z")") ==
        "expirytime: there is no time to count it from");
  CHECK(about(R"("time":"2026-11-21T07:00:00Z","expirytime":"2026-11-21T07:00:00Z")") ==
        "expirytime: not after time");
}

}  // namespace edgepost::wire
