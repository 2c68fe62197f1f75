#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// Makes MQTT topics for events: `{prefix}`, `{device_id}`, `{topic}`, `{key}` and `{type}` stand
/// for values, everything else for itself.
class TopicTemplate {
 public:
  /// Reads a template and fills in what does not depend on the event.
  /// Errors: invalid_argument, naming option and position: empty, unknown placeholder, missing
  /// brace, or `+`, `#` or a control character in it, the prefix or the device id.
  static Result<TopicTemplate> parse(std::string_view text, std::string_view prefix,
                                     std::string_view device_id);

  /// The topic for `event`.
  /// Errors: invalid_argument, naming the field, when a value has `+`, `#` or NUL, which no topic
  /// may have, or when the topic is empty or longer than 65,535 bytes (MQTT 5.0, section 4.7).
  [[nodiscard]] Result<std::string> expand(const Event& event) const;

 private:
  /// Fixed text, then the value of an event's field if there is one.
  struct Part {
    std::string text;
    std::string_view name;  ///< Of the field, for messages.
    std::string Event::*field = nullptr;
  };
  TopicTemplate() = default;

  std::vector<Part> parts_;
};

}  // namespace edgepost::mqtt
