#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// What a topic may have in it.
enum class TopicRule : unsigned char {
  everywhere_same,  ///< Neither `+`, `#` and NUL nor `.` and space, which some brokers replace.
  as_mqtt_has_it,   ///< Neither `+`, `#` nor NUL (MQTT 5.0, section 4.7).
};

/// Finds what `rule` forbids in a topic. `what` is the name of the option or field it comes from.
/// Errors: invalid_argument, naming the position.
Status check_topic(std::string_view what, std::string_view topic, TopicRule rule);

/// Makes MQTT topics for events: `{prefix}`, `{device_id}`, `{topic}`, `{key}` and `{type}` stand
/// for values, everything else for itself.
class TopicTemplate {
 public:
  /// The values that do not depend on the event.
  struct Fixed {
    std::string_view prefix{};
    std::string_view device_id{};
  };

  /// Reads a template, which is the option `what`, and fills in what is fixed.
  /// Errors: invalid_argument, naming option and position: empty, unknown placeholder, missing
  /// brace, or what `rule` or any text forbids in it, the prefix or the device id.
  static Result<TopicTemplate> parse(std::string_view what, std::string_view text,
                                     const Fixed& fixed, TopicRule rule);

  /// True when all events have the same topic.
  [[nodiscard]] bool is_fixed() const { return parts_.size() == 1; }

  /// The topic for `event`.
  /// Errors: invalid_argument, naming the field, when a value has what the rule forbids, or when
  /// the topic is empty or longer than 65,535 bytes (MQTT 5.0, section 4.7).
  [[nodiscard]] Result<std::string> expand(const Event& event) const;

 private:
  /// Fixed text, then the value of an event's field if there is one.
  struct Part {
    std::string text;
    std::string_view name;  ///< Of the field, for messages.
    std::string Event::*field = nullptr;
  };
  explicit TopicTemplate(TopicRule rule) : rule_(rule) {}

  TopicRule rule_;
  std::vector<Part> parts_;
};

}  // namespace edgepost::mqtt
