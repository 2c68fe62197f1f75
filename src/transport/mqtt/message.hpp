#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/event.hpp"

namespace edgepost::mqtt {

/// How a message is written.
struct Format {
  bool is_v5 = true;      ///< With properties (MQTT 5.0), or without (3.1.1).
  bool is_binary = true;  ///< Attributes as user properties; otherwise one JSON object. v5 only.
};

/// One PUBLISH, as the CloudEvents MQTT binding 1.0.2 has it.
struct Message {
  std::string topic;
  std::string_view payload;        ///< Into the event or the buffer it was encoded with.
  std::string content_type;        ///< Empty: none.
  std::string response_topic{};    ///< Empty: none.
  std::string correlation_data{};  ///< Any bytes; empty: none.
  std::vector<std::pair<std::string_view, std::string>> user_properties;
  std::uint32_t expiry_seconds = 0;  ///< 0: none.
  std::uint16_t topic_alias = 0;     ///< 0: none; otherwise the topic may be empty.
};

/// Writes `event` for `topic`. `buffer` takes the payload if it is not the event's data itself.
/// Under v5 the attribute `responsetopic` becomes the Response Topic, and the correlation id of a
/// request or reply its Correlation Data; `destination` stays here.
/// Must outlive: `event` and `buffer` the message.
Message encode(const Event& event, std::string topic, Format format, std::string& buffer);

/// The size of the whole PUBLISH packet at QoS 1 (MQTT 5.0, section 3.3), which is what a broker's
/// Maximum Packet Size limits.
std::size_t packet_bytes(const Message& message, Format format);

}  // namespace edgepost::mqtt
