#pragma once

#include <string_view>

#include "base/attributes.hpp"

namespace edgepost::mqtt {

// Attributes of an Event that are fields of MQTT's own, beside kResponseTopic.
inline constexpr std::string_view kCorrelationData = "correlationdata";  // base64
inline constexpr std::string_view kDestination = "destination";
inline constexpr std::string_view kRetained = "retained";
inline constexpr std::string_view kMqttTopic = "mqtttopic";

}  // namespace edgepost::mqtt
