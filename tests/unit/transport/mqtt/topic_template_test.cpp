#include "transport/mqtt/topic_template.hpp"

#include <doctest.h>

namespace edgepost::mqtt {
namespace {

Event pump_event() {
  Event event;
  event.topic = "plant/pump";
  event.key = "pump-7";
  event.type = "com.example.reading";
  return event;
}

std::string expanded(std::string_view text, const Event& event = pump_event(),
                     TopicRule rule = TopicRule::as_mqtt_has_it) {
  const Result<TopicTemplate> topics =
      TopicTemplate::parse("topic_template", text, {"edge", "gw-1"}, rule);
  REQUIRE_MESSAGE(topics.is_ok(), topics.status().message());
  const Result<std::string> topic = topics.value().expand(event);
  return topic.is_ok() ? topic.value() : topic.status().message();
}

std::string complaint(std::string_view text, std::string_view prefix = "edge",
                      std::string_view device_id = "gw-1") {
  const Result<TopicTemplate> topics =
      TopicTemplate::parse("topic_template", text, {prefix, device_id}, TopicRule::everywhere_same);
  REQUIRE_FALSE(topics.is_ok());
  CHECK(topics.status().code() == Code::invalid_argument);
  return topics.status().message();
}

}  // namespace

TEST_CASE("topic template: every placeholder is replaced, wherever it stands") {
  CHECK(expanded("{prefix}/{device_id}/{topic}") == "edge/gw-1/plant/pump");
  CHECK(expanded("{key}{type}-{key}") == "pump-7com.example.reading-pump-7");
  CHECK(expanded("fixed") == "fixed");
}

TEST_CASE("topic template: an unknown placeholder or lone brace is refused by its position") {
  CHECK(complaint("a/{data}").starts_with("topic_template: byte 2 "));
  CHECK(complaint("a/{data}").ends_with("{prefix}, {device_id}, {topic}, {key} and {type}"));
  CHECK(complaint("{}").starts_with("topic_template: byte 0 "));
  CHECK(complaint("a/{topic").starts_with("topic_template: byte 2 "));
  CHECK(complaint("a}b").starts_with("topic_template: byte 1 "));
  CHECK(complaint("") == "topic_template: it is empty");
}

TEST_CASE("topic template: a wildcard or control character is refused where it comes from") {
  CHECK(complaint("a/+/{topic}").starts_with("topic_template: byte 2 "));
  CHECK(complaint("a/#").starts_with("topic_template: byte 2 "));
  CHECK(complaint(std::string_view("a\0b", 3)).starts_with("topic_template: byte 1 "));
  CHECK(complaint("{prefix}", "a+b").starts_with("prefix: byte 1 "));
  CHECK(complaint("{device_id}", "a", "#").starts_with("device_id: byte 0 "));
}

TEST_CASE("topic template: a value that no topic may have is refused by its field") {
  for (const char bad : {'+', '#', '\0'}) {
    Event event = pump_event();
    event.key = std::string("ab") + bad;
    CHECK(expanded("{topic}/{key}", event).starts_with("key: byte 2 "));
    CHECK(expanded("{topic}", event) == "plant/pump");
  }
}

TEST_CASE("topic template: what some brokers replace is refused, unless that is wanted") {
  CHECK(complaint("a.b/{topic}") ==
        "topic_template: byte 1 is '.', RabbitMQ and NATS replace it in topics "
        "(allow_mangled_topics)");
  CHECK(complaint("{prefix}/{topic}", "my plant").starts_with("prefix: byte 2 "));
  Event event = pump_event();
  event.topic = "plant/pump 7";
  CHECK(expanded("{topic}", event, TopicRule::everywhere_same).starts_with("topic: byte 10 "));
  CHECK(expanded("{topic}", event) == "plant/pump 7");
  CHECK(expanded("{topic}", pump_event(), TopicRule::everywhere_same) == "plant/pump");
}

TEST_CASE("topic template: what it does not use may look as it likes") {
  CHECK(TopicTemplate::parse("t", "x/{topic}", {"a#", "b.c"}, TopicRule::everywhere_same).is_ok());
}

TEST_CASE("topic template: it knows whether all events have the same topic") {
  const auto is_fixed = [](std::string_view text) {
    return TopicTemplate::parse("t", text, {"a", "b"}, TopicRule::everywhere_same)
        .value()
        .is_fixed();
  };
  CHECK(is_fixed("{prefix}/{device_id}/x"));
  CHECK_FALSE(is_fixed("{prefix}/{topic}"));
}

TEST_CASE("topic template: an empty or over-long topic is refused") {
  Event event = pump_event();
  event.key = "";
  CHECK(expanded("{key}", event) == "topic: the template makes 0 bytes of it");
  event.key = std::string(65'535, 'k');
  CHECK(expanded("{key}", event) == event.key);
  CHECK(expanded("{key}x", event) == "topic: the template makes 65536 bytes of it");
}

}  // namespace edgepost::mqtt
