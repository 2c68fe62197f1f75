#include "transport/mqtt/message.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "wire/cloudevents.hpp"

namespace edgepost::mqtt {
namespace {

/// Whole seconds, rounded up: the broker counts from its receipt and must not be early.
std::uint32_t in_seconds(Duration expires_after) {
  constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(expires_after).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, kMost));
}

/// The bytes of a variable byte integer (MQTT 5.0, section 1.5.5).
std::size_t varint_bytes(std::size_t value) {
  std::size_t bytes = 1;
  for (; value >= 128; value /= 128)
    ++bytes;
  return bytes;
}

}  // namespace

Message encode(const Event& event, std::string topic, Format format, std::string& buffer) {
  Message message;
  message.topic = std::move(topic);
  if (format.is_v5 && event.expires_after)
    message.expiry_seconds = in_seconds(*event.expires_after);
  if (format.is_binary) {
    message.payload = event.data;
    message.content_type = event.content_type;
    message.user_properties = wire::attributes(event);
    return message;
  }
  buffer.clear();
  wire::append_json(event, buffer);
  message.payload = buffer;
  if (format.is_v5) message.content_type = "application/cloudevents+json; charset=utf-8";
  return message;
}

std::size_t packet_bytes(const Message& message, Format format) {
  std::size_t remaining = 2 + message.topic.size() + 2 + message.payload.size();
  if (format.is_v5) {
    std::size_t properties = message.expiry_seconds == 0 ? 0 : 5;
    if (!message.content_type.empty()) properties += 3 + message.content_type.size();
    for (const auto& [name, value] : message.user_properties) {
      properties += 5 + name.size() + value.size();
    }
    remaining += varint_bytes(properties) + properties;
  }
  return 1 + varint_bytes(remaining) + remaining;
}

}  // namespace edgepost::mqtt
