#include "base/topic.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace edgepost {
namespace {

// Long enough for any tree of devices, short enough for the topic limits of hosted brokers.
constexpr std::size_t kTopicBytesMax = 512;
constexpr std::size_t kNameBytesMax = 64;

Status validate_levels(std::string_view what, std::string_view text) {
  if (text.empty()) {
    return {Code::invalid_argument, std::string(what) + ": empty, 1 to 512 bytes are wanted"};
  }
  return validate_text(what, text, kTopicBytesMax);
}

// Takes the first level off `levels`; a text that has run out of levels is null, not empty,
// because "a/" has two levels and "a" has one.
std::string_view take_level(std::string_view& levels) {
  const std::string_view level = levels.substr(0, levels.find('/'));
  levels = level.size() == levels.size() ? std::string_view() : levels.substr(level.size() + 1);
  return level;
}

}  // namespace

Status validate_topic(std::string_view topic) {
  if (Status status = validate_levels("topic", topic); !status.is_ok()) return status;
  const std::size_t at = topic.find_first_of("+#");
  if (at == std::string_view::npos) return {};
  return invalid_byte("topic", topic, at, "a wildcard cannot stand in a published topic");
}

Status validate_filter(std::string_view filter) {
  if (Status status = validate_levels("filter", filter); !status.is_ok()) return status;
  for (std::size_t at = filter.find_first_of("+#"); at != std::string_view::npos;
       at = filter.find_first_of("+#", at + 1)) {
    const bool begins_level = at == 0 || filter[at - 1] == '/';
    const bool is_last = at + 1 == filter.size();
    const bool ends_level = is_last || filter[at + 1] == '/';
    if (!begins_level || !ends_level) {
      return invalid_byte("filter", filter, at, "a wildcard must be a whole level");
    }
    if (filter[at] == '#' && !is_last) {
      return invalid_byte("filter", filter, at, "it can only be the last level");
    }
  }
  return {};
}

bool topic_matches(std::string_view filter, std::string_view topic) {
  const bool begins_with_wildcard = filter.front() == '+' || filter.front() == '#';
  if (begins_with_wildcard && topic.front() == '$') return false;
  while (filter.data() != nullptr) {
    const std::string_view wanted = take_level(filter);
    if (wanted == "#") return true;  // also when the topic ended with the level before it
    if (topic.data() == nullptr) return false;
    const std::string_view level = take_level(topic);
    if (wanted != "+" && wanted != level) return false;
  }
  return topic.data() == nullptr;
}

Status validate_name(std::string_view what, std::string_view name) {
  if (name.empty() || name.size() > kNameBytesMax) {
    return {Code::invalid_argument, std::string(what) + ": " + std::to_string(name.size()) +
                                        " bytes, 1 to " + std::to_string(kNameBytesMax) +
                                        " are wanted"};
  }
  const auto bad = std::find_if(name.begin(), name.end(), [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.');
  });
  if (bad == name.end()) return {};
  return invalid_byte(what, name, static_cast<std::size_t>(bad - name.begin()),
                      "only a-z, 0-9, '-', '_' and '.' are allowed");
}

}  // namespace edgepost
