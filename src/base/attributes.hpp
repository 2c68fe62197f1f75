#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "edgepost/event.hpp"

namespace edgepost {

/// The free attribute that says where the answer to an event is to go, on the bus and over MQTT.
inline constexpr std::string_view kResponseTopic = "responsetopic";

/// The value of a free attribute; null: there is none.
inline const std::string* find_attribute(const Event& event, std::string_view name) {
  const auto found = std::ranges::find(event.attributes, name, &Attribute::name);
  return found == event.attributes.end() ? nullptr : &found->value;
}

}  // namespace edgepost
