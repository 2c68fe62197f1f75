#include "transport/mqtt/topic_template.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace edgepost::mqtt {
namespace {

constexpr std::size_t kTopicBytesMax = 65'535;
struct Field {
  std::string_view name;
  std::string Event::*field;
};
constexpr std::array kFields = {Field{"topic", &Event::topic}, Field{"key", &Event::key},
                                Field{"type", &Event::type}};

/// Text that goes into every topic as it is.
Status check_fixed(std::string_view what, std::string_view text, TopicRule rule) {
  if (Status status = validate_text(what, text, kTopicBytesMax); !status.is_ok()) return status;
  return check_topic(what, text, rule);
}

}  // namespace

Status check_topic(std::string_view what, std::string_view topic, TopicRule rule) {
  constexpr std::string_view kForbidden("+#\0. ", 5);
  const bool is_strict = rule == TopicRule::everywhere_same;
  const std::size_t bad = topic.find_first_of(kForbidden.substr(0, is_strict ? 5 : 3));
  if (bad == std::string_view::npos) return {};
  if (topic[bad] != '.' && topic[bad] != ' ') {
    return invalid_byte(what, topic, bad, "it cannot stand in a published topic");
  }
  return invalid_byte(what, topic, bad,
                      "RabbitMQ and NATS replace it in topics (allow_mangled_topics)");
}

Result<TopicTemplate> TopicTemplate::parse(std::string_view what, std::string_view text,
                                           const Fixed& fixed, TopicRule rule) {
  if (text.empty()) return Status(Code::invalid_argument, std::string(what) + ": it is empty");
  const std::pair<std::string_view, std::string_view> values[] = {
      {what, text}, {"prefix", fixed.prefix}, {"device_id", fixed.device_id}};
  for (const auto& [name, value] : values) {
    if (name != what && text.find("{" + std::string(name) + "}") == std::string_view::npos)
      continue;
    if (Status status = check_fixed(name, value, rule); !status.is_ok()) return status;
  }
  TopicTemplate result(rule);
  result.parts_.emplace_back();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    result.parts_.back().text.append(text.substr(at, brace - at));
    if (brace == text.size()) break;
    const std::size_t end = text.find('}', brace);
    const std::string_view name = text.substr(brace + 1, std::min(end, text.size()) - brace - 1);
    const auto* field = std::ranges::find(kFields, name, &Field::name);
    if (text[brace] == '}' || end == std::string_view::npos) {
      return invalid_byte(what, text, brace, "it has no counterpart");
    }
    if (name == "prefix" || name == "device_id") {
      result.parts_.back().text.append(name == "prefix" ? fixed.prefix : fixed.device_id);
    } else if (field != kFields.end()) {
      result.parts_.back().name = field->name;
      result.parts_.back().field = field->field;
      result.parts_.emplace_back();
    } else {
      return invalid_byte(what, text, brace,
                          "known are {prefix}, {device_id}, {topic}, {key} and {type}");
    }
    at = end + 1;
  }
  return result;
}

Result<std::string> TopicTemplate::expand(const Event& event) const {
  std::string topic;
  for (const Part& part : parts_) {
    topic.append(part.text);
    if (part.field == nullptr) continue;
    const std::string& value = event.*part.field;
    if (Status status = check_topic(part.name, value, rule_); !status.is_ok()) return status;
    topic.append(value);
  }
  if (topic.empty() || topic.size() > kTopicBytesMax) {
    return Status(Code::invalid_argument,
                  "topic: the template makes " + std::to_string(topic.size()) + " bytes of it");
  }
  return topic;
}

}  // namespace edgepost::mqtt
