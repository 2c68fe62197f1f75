#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "edgepost/event.hpp"

namespace edgepost::mqtt {

// Attributes of an Event that are fields of MQTT's own.
inline constexpr std::string_view kResponseTopic = "responsetopic";
inline constexpr std::string_view kCorrelationData = "correlationdata";  // base64
inline constexpr std::string_view kDestination = "destination";
inline constexpr std::string_view kRetained = "retained";
inline constexpr std::string_view kMqttTopic = "mqtttopic";

/// The value of a free attribute; null: there is none.
inline const std::string* find_attribute(const Event& event, std::string_view name) {
  const auto found = std::ranges::find(event.attributes, name, &Attribute::name);
  return found == event.attributes.end() ? nullptr : &found->value;
}

}  // namespace edgepost::mqtt
