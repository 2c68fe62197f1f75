#include "wire/foreign.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::wire {
namespace {

constexpr std::string_view kRequired =
    R"("specversion":"1.0","id":"A-1","source":"//cloud/orders","type":"com.example.order")";

/// An event with these members behind the required ones.
Result<Received> read_with(std::string_view more) {
  return read_structured("{" + std::string(kRequired) + "," + std::string(more) + "}");
}

std::string error_with(std::string_view more) { return read_with(more).status().message(); }

}  // namespace

TEST_CASE("foreign: reads an event of another system, whose id need not be a UUID") {
  const auto received = read_with(
      R"("subject":"valve/7","time":"2026-11-21T08:00:00Z","expirytime":"2026-11-21T08:00:10Z",
         "partitionkey":"7","correlationid":"c","causationid":"b","dataschema":"s:x",
         "traceparent":"t","sequence":"12","priority":5,"is":true,"no":null,"data":{"open": 1})");
  REQUIRE_MESSAGE(received.is_ok(), received.status().message());
  const Event& event = received->event;
  CHECK(event.id.is_nil());
  CHECK(received->identity == "//cloud/orders A-1");
  CHECK(event.topic == "valve/7");
  CHECK(event.key == "7");
  CHECK(event.source == "//cloud/orders");
  CHECK(event.type == "com.example.order");
  CHECK(event.schema == "s:x");
  CHECK(event.correlation_id == "c");
  CHECK(event.causation_id == "b");
  CHECK(event.trace_parent == "t");
  CHECK(event.sequence == 0);
  CHECK(event.expires_after == std::chrono::seconds(10));
  CHECK(event.attributes == std::vector<Attribute>{{"priority", "5"}, {"is", "true"}});
  CHECK(event.data == R"({"open": 1})");
  CHECK(event.content_type == "application/json");
}

TEST_CASE("foreign: takes the id of an event that has a UUID, and its type for a topic") {
  const auto received = read_structured(
      R"({"id":"0193A3B5-7C00-7000-8000-000000000001","source":"/a","type":"t",)"
      R"("specversion":"1.0"})");
  REQUIRE(received.is_ok());
  CHECK(received->event.id.to_string() == "0193a3b5-7c00-7000-8000-000000000001");
  CHECK(received->identity == "/a 0193A3B5-7C00-7000-8000-000000000001");
  CHECK(received->event.topic == "t");
  CHECK(received->event.data.empty());
}

TEST_CASE("foreign: reads data as text, JSON or base64") {
  CHECK(read_with(R"("data":"a\nb")")->event.data == "a\nb");
  CHECK(read_with(R"("datacontenttype":"application/json","data":"a")")->event.data == R"("a")");
  CHECK(read_with(R"("data_base64":"AP8=")")->event.data == std::string("\0\xff", 2));
  CHECK(error_with(R"("data":1,"data_base64":"AA==")") == "data_base64: data is there already");
  CHECK(error_with(R"("data_base64":5)") == "data_base64: not a string");
  CHECK(error_with(R"("data_base64":"A")").starts_with("data_base64: malformed base64"));
}

TEST_CASE("foreign: refuses what is no CloudEvent 1.0, naming the attribute [P-62]") {
  const auto error = [](std::string_view json) { return read_structured(json).status().message(); };
  CHECK(error("[]") == "JSON, byte 0: not an object");
  CHECK(error(R"({"specversion":"0.3"})") == "specversion: only 1.0 is understood");
  CHECK(error(R"({"id":"1","source":"s","type":"t"})") == "specversion: missing");
  CHECK(error(R"({"specversion":"1.0","source":"s","type":"t"})") == "id: missing");
  CHECK(error(R"({"specversion":"1.0","id":"1","type":"t"})") == "source: missing");
  CHECK(error(R"({"specversion":"1.0","id":"1","source":"s"})") == "type: missing");
  CHECK(error(R"({"specversion":"1.0","id":1})") == "id: not a string");
  CHECK(error_with(R"("subject":7)") == "subject: not a string");
  CHECK(error_with(R"("x":{})") == "x: not a string, number or boolean");
  CHECK(error_with(R"("time":"yesterday")").starts_with("time: "));
  CHECK(error_with(R"("time":"2026-11-21T08:00:00Z","expirytime":"2026-11-21T08:00:00Z")") ==
        "expirytime: not after time");
  CHECK(error_with(R"("id":"2")").ends_with("the name stood there before"));
}

TEST_CASE("foreign: reads attributes that stand beside the data") {
  std::vector<std::pair<std::string, std::string>> attributes = {
      {"specversion", "1.0"}, {"id", "1"}, {"source", "/s"}, {"type", "t"}, {"unit", "K"}};
  const auto received = read_binary(attributes, "text/plain", "21");
  REQUIRE(received.is_ok());
  CHECK(received->identity == "/s 1");
  CHECK(received->event.content_type == "text/plain");
  CHECK(received->event.data == "21");
  CHECK(received->event.attributes == std::vector<Attribute>{{"unit", "K"}});
  attributes.emplace_back("unit", "C");
  CHECK(read_binary(attributes, "", "").status().message() == "unit: it stood there before");
}

TEST_CASE("foreign: takes a batch apart, up to a count") {
  CHECK(read_batch(R"([{"a":1},{}])", 2).value() ==
        std::vector<std::string_view>{R"({"a":1})", "{}"});
  CHECK(!read_batch("[1,2,3]", 2).is_ok());
}

}  // namespace edgepost::wire
