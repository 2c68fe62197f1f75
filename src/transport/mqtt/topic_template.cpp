#include "transport/mqtt/topic_template.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace edgepost::mqtt {
namespace {

constexpr std::size_t kTopicBytesMax = 65'535;
constexpr std::string_view kWildcards = "+#";
constexpr std::string_view kForbidden("+#\0", 3);

struct Field {
  std::string_view name;
  std::string Event::*field;
};
constexpr std::array kFields = {Field{"topic", &Event::topic}, Field{"key", &Event::key},
                                Field{"type", &Event::type}};

/// Text that goes into every topic as it is.
Status check_fixed(std::string_view what, std::string_view text) {
  if (Status status = validate_text(what, text, kTopicBytesMax); !status.is_ok()) return status;
  const std::size_t wildcard = text.find_first_of(kWildcards);
  if (wildcard == std::string_view::npos) return {};
  return invalid_byte(what, text, wildcard, "a wildcard cannot stand in a published topic");
}

}  // namespace

Result<TopicTemplate> TopicTemplate::parse(std::string_view text, std::string_view prefix,
                                           std::string_view device_id) {
  for (const auto& [what, value] : {std::pair{"topic_template", text}, std::pair{"prefix", prefix},
                                    std::pair{"device_id", device_id}}) {
    if (Status status = check_fixed(what, value); !status.is_ok()) return status;
  }
  if (text.empty()) return Status(Code::invalid_argument, "topic_template: it is empty");
  TopicTemplate result;
  result.parts_.emplace_back();
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t brace = std::min(text.find_first_of("{}", at), text.size());
    result.parts_.back().text.append(text.substr(at, brace - at));
    if (brace == text.size()) break;
    const std::size_t end = text.find('}', brace);
    const std::string_view name = text.substr(brace + 1, std::min(end, text.size()) - brace - 1);
    const auto* field = std::ranges::find(kFields, name, &Field::name);
    if (text[brace] == '}' || end == std::string_view::npos) {
      return invalid_byte("topic_template", text, brace, "it has no counterpart");
    }
    if (name == "prefix" || name == "device_id") {
      result.parts_.back().text.append(name == "prefix" ? prefix : device_id);
    } else if (field != kFields.end()) {
      result.parts_.back().name = field->name;
      result.parts_.back().field = field->field;
      result.parts_.emplace_back();
    } else {
      return invalid_byte("topic_template", text, brace,
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
    if (const std::size_t bad = value.find_first_of(kForbidden); bad != std::string::npos) {
      return invalid_byte(part.name, value, bad,
                          "no topic may have it, and the template asks for it");
    }
    topic.append(value);
  }
  if (topic.empty() || topic.size() > kTopicBytesMax) {
    return Status(Code::invalid_argument,
                  "topic: the template makes " + std::to_string(topic.size()) + " bytes of it");
  }
  return topic;
}

}  // namespace edgepost::mqtt
