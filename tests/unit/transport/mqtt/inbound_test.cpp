#include "transport/mqtt/inbound.hpp"

#include <doctest.h>

#include "transport/mqtt/attributes.hpp"

namespace edgepost::mqtt {
namespace {

std::string value(const Received& received, std::string_view name) {
  const std::string* const found = find_attribute(received.event, name);
  return found == nullptr ? "(none)" : *found;
}

Inbound cloud_event() {
  Inbound message{.topic = "cmd/valve/7", .payload = "open", .content_type = "text/plain"};
  message.user_properties = {{"specversion", "1.0"},
                             {"id", "0193a3b5-7c00-7000-8000-000000000001"},
                             {"source", "//cloud/orders"},
                             {"type", "com.example.order"}};
  return message;
}

bool is_publishable(const Received& received) {
  return validate(received.event, {.data_bytes_max = 1024 * 1024}).is_ok();
}

}  // namespace

TEST_CASE("mqtt inbound: anything is an event with the topic and payload it came with") {
  const Received received =
      decode({.topic = "cmd/valve", .payload = std::string("\0\xFF{", 3), .content_type = "a/b"});
  CHECK(received.identity.empty());
  CHECK(received.event.topic == "cmd/valve");
  CHECK(received.event.data == std::string("\0\xFF{", 3));
  CHECK(received.event.content_type == "a/b");
  CHECK(received.event.id.is_nil());
  CHECK(received.event.attributes.empty());
}

TEST_CASE("mqtt inbound: a CloudEvent in binary mode has its identity and attributes") {
  Inbound message = cloud_event();
  message.user_properties.emplace_back("subject", "valve/7");
  message.user_properties.emplace_back("priority", "5");
  const Received received = decode(std::move(message));
  CHECK(received.identity.starts_with("//cloud/orders"));
  CHECK(received.identity.ends_with("0193a3b5-7c00-7000-8000-000000000001"));
  CHECK(received.event.id.to_string() == "0193a3b5-7c00-7000-8000-000000000001");
  CHECK(received.event.topic == "valve/7");
  CHECK(received.event.type == "com.example.order");
  CHECK(received.event.content_type == "text/plain");
  CHECK(received.event.data == "open");
  CHECK(value(received, "priority") == "5");
  CHECK(value(received, "originid") == "(none)");
  CHECK(value(received, "mqtttopic") == "cmd/valve/7");
}

TEST_CASE("mqtt inbound: without a subject, or with one that is no topic, the MQTT topic stands") {
  CHECK(decode(cloud_event()).event.topic == "cmd/valve/7");
  Inbound message = cloud_event();
  message.user_properties.emplace_back("subject", "all valves: #");
  const Received received = decode(std::move(message));
  CHECK(received.event.topic == "cmd/valve/7");
  CHECK(value(received, "mqtttopic") == "(none)");
}

TEST_CASE("mqtt inbound: a structured CloudEvent is known by its content type, or by itself") {
  const std::string json =
      R"({"specversion":"1.0","id":"A-1","source":"/s","type":"t","subject":"x","data":"d"})";
  for (const std::string type :
       {"application/cloudevents+json", "application/cloudevents+json; charset=utf-8", ""}) {
    const Received received = decode({.topic = "cmd", .payload = json, .content_type = type});
    CHECK(received.identity.starts_with("/s"));
    CHECK(received.identity.ends_with("A-1"));
    CHECK(received.event.id.is_nil());
    CHECK(value(received, "originid") == "A-1");
    CHECK(received.event.topic == "x");
    CHECK(received.event.data == "d");
  }
  const Received other =
      decode({.topic = "cmd", .payload = json, .content_type = "application/json"});
  CHECK(other.identity.empty());
  CHECK(other.event.data == json);
}

TEST_CASE("mqtt inbound: what only claims to be a CloudEvent comes in as it is [P-62]") {
  for (const std::string payload : {"{", "{}", R"({"specversion":"1.0"})", "[]", "nothing"}) {
    const Received received = decode(
        {.topic = "cmd", .payload = payload, .content_type = "application/cloudevents+json"});
    CHECK(received.identity.empty());
    CHECK(received.event.data == payload);
  }
  Inbound message = cloud_event();
  message.user_properties.erase(message.user_properties.begin() + 1);  // id
  const Received received = decode(std::move(message));
  CHECK(received.identity.empty());
  CHECK(received.event.data == "open");
  CHECK(is_publishable(received));
}

TEST_CASE("mqtt inbound: properties that no event has room for are left out [P-62]") {
  Inbound message{.topic = "cmd", .payload = "x", .content_type = "no media type"};
  message.user_properties = {{"Upper", "1"}, {"id", "mine"},       {"a", std::string(1025, 'x')},
                             {"b", "\x01"},  {"", "nameless"},     {"good", "first"},
                             {"good", "2"},  {"destination", "z"}, {"retained", "true"}};
  for (int i = 0; i < 50; ++i)
    message.user_properties.emplace_back("n" + std::to_string(i), "v");
  const Received received = decode(std::move(message));
  CHECK(is_publishable(received));
  CHECK(received.event.attributes.size() == 32);
  CHECK(value(received, "good") == "first");
  CHECK(value(received, "destination") == "(none)");
  CHECK(value(received, "retained") == "(none)");
  CHECK(received.event.content_type.empty());
}

TEST_CASE("mqtt inbound: retained, expiring and asking for a reply are seen in the event") {
  const Received received = decode({.topic = "cmd",
                                    .is_retained = true,
                                    .response_topic = "cloud/answers",
                                    .correlation_data = "c-1",
                                    .expiry_seconds = 60});
  CHECK(value(received, "retained") == "true");
  CHECK(value(received, "responsetopic") == "cloud/answers");
  CHECK(received.event.correlation_id == "c-1");
  CHECK(received.event.expires_after == std::chrono::seconds(60));
}

TEST_CASE("mqtt inbound: correlation data that is no text, or not the event's own, is kept") {
  CHECK(value(decode({.topic = "cmd", .correlation_data = std::string("\0\xFF", 2)}),
              "correlationdata") == "AP8=");
  Inbound message = cloud_event();
  message.user_properties.emplace_back("correlationid", "own");
  message.correlation_data = "other";
  const Received received = decode(std::move(message));
  CHECK(received.event.correlation_id == "own");
  CHECK(value(received, "correlationdata") == "b3RoZXI=");
}

}  // namespace edgepost::mqtt
