#include "transport/https/request_template.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

Event reading() {
  Event event;
  event.topic = "plant/4";
  event.key = "k\"1";
  event.source = "/gw";
  event.id = EventId::parse("0193a3b5-7c00-7000-8000-000000000001").value();
  event.time = Timestamp(std::chrono::seconds(1));
  event.sequence = 9;
  event.data = R"({"c":21})";
  event.content_type = "application/json";
  event.attributes = {{"unit", "K"}};
  return event;
}

std::string expand(std::string_view text, Pattern::Escape escape, const Event& event = reading()) {
  const auto pattern = Pattern::parse("body", text, escape);
  REQUIRE_MESSAGE(pattern.is_ok(), pattern.status().message());
  return pattern->expand(event, "gw-1");
}

std::string refusal(const RequestTemplate& source) {
  return CompiledTemplate::compile(source, "").status().message();
}

}  // namespace

TEST_CASE("request_template: knows every field") {
  CHECK(expand("{id}|{topic}|{key}|{type}|{source}|{time}|{data}|{device_id}|{sequence}|"
               "{attribute:unit}|{attribute:none}|{{}}",
               Pattern::Escape::none) ==
        "0193a3b5-7c00-7000-8000-000000000001|plant/4|k\"1|edgepost.event|/gw|"
        "1970-01-01T00:00:01.000000Z|{\"c\":21}|gw-1|9|K||{}");
}

TEST_CASE("request_template: values are escaped for where they stand") {
  CHECK(expand("{topic}", Pattern::Escape::path) == "plant%2F4");
  CHECK(expand("{key}", Pattern::Escape::header) == "k%221");
  CHECK(expand(R"({{"k":"{key}","d":{data}}})", Pattern::Escape::json) ==
        R"({"k":"k\"1","d":{"c":21}})");
  Event text = reading();
  text.content_type = "text/plain";
  CHECK(expand(R"("{data}")", Pattern::Escape::json, text) == R"("{\"c\":21}")");
}

TEST_CASE("request_template: a pattern is judged when it is made") {
  const auto error = [](std::string_view text) {
    return Pattern::parse("body", text, Pattern::Escape::none).status().message();
  };
  CHECK(error("a{nothing}") == "body: byte 1: unknown field");
  CHECK(error("{attribute:}") == "body: byte 0: unknown field");
  CHECK(error("ab{id") == "body: byte 2: a brace that stands for itself is written twice");
  CHECK(error("id}") == "body: byte 2: a brace that stands for itself is written twice");
}

TEST_CASE("request_template: a request is judged when it is made, by its option") {
  CHECK(refusal({}) == "");
  CHECK(refusal({.method = "GET"}) == "request.method: POST, PUT or PATCH");
  CHECK(refusal({.path = "/a b"}) ==
        "request.path: byte 2: this character must be percent-encoded");
  CHECK(refusal({.path = "/{x}"}) == "request.path: byte 1: unknown field");
  CHECK(refusal({.body = "{"}).starts_with("request.body: byte 0"));
  CHECK(refusal({.content_type = "a\nb"}).starts_with("request: content_type: visible ASCII"));
  CHECK(refusal({.headers = {{"Host", "x"}}}) == "request.headers: Host is set by the transport");
  CHECK(refusal({.headers = {{"X", "{y}"}}}) == "request.headers: X: byte 0: unknown field");
  CHECK(refusal({.response_field = "a..b"}) ==
        "request.response_field: names with one dot between");
}

TEST_CASE("request_template: headers are tokens with visible values, and not our own [P-62]") {
  CHECK(validate_header("headers", {"X-Tenant", "a b"}).is_ok());
  CHECK(!validate_header("headers", {"", "x"}).is_ok());
  CHECK(!validate_header("headers", {"a:b", "x"}).is_ok());
  CHECK(!validate_header("headers", {"A", "x\r\nB: y"}).is_ok());
  CHECK(!validate_header("headers", {"content-LENGTH", "5"}).is_ok());
}

}  // namespace edgepost::https
