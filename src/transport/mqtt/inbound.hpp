#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/transport.hpp"

namespace edgepost::mqtt {

/// One PUBLISH that came in, with what MQTT 5.0 may say beside topic and payload.
struct Inbound {
  std::string topic{};
  std::string payload{};
  bool is_retained = false;
  std::string content_type{};
  std::string response_topic{};
  std::string correlation_data{};
  std::uint32_t expiry_seconds = 0;  ///< 0: none.
  std::vector<std::pair<std::string, std::string>> user_properties{};
};

/// Makes an event of it: of a CloudEvent in binary mode (user properties) or in structured mode
/// (its content type says so; without one, a payload that is such a JSON object), with its
/// identity; of anything else one with the MQTT topic as topic and the payload as data. Attributes
/// that an Event has no room for are left out; what else it must be is for validate() to say. Added
/// are the attributes `originid` for an id that is no UUID, `mqtttopic` where it is not the event's
/// topic, `retained`, `responsetopic`, and `correlationdata` (base64) where that is no text for
/// correlation_id.
Received decode(Inbound&& message);

}  // namespace edgepost::mqtt
