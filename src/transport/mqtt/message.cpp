#include "transport/mqtt/message.hpp"

#include <algorithm>
#include <chrono>
#include <limits>

#include "transport/mqtt/attributes.hpp"
#include "wire/base64.hpp"
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

bool is_route(std::string_view name) {
  return name == kDestination || name == kResponseTopic || name == kCorrelationData;
}

/// What stands for the conversation in MQTT 5.0, where anybody asked for it.
std::string correlation_data(const Event& event) {
  if (const std::string* const encoded = find_attribute(event, kCorrelationData)) {
    if (Result<std::string> bytes = wire::parse_base64(*encoded)) return std::move(*bytes);
  }
  const bool has_route = find_attribute(event, kResponseTopic) != nullptr ||
                         find_attribute(event, kDestination) != nullptr;
  return has_route ? event.correlation_id : std::string();
}

/// The event as it travels, in `changed` if that is not as it is. 3.1.1 has no place for a response
/// topic but the attribute itself.
const Event& as_sent(const Event& event, bool is_v5, Event& changed) {
  const auto stays = [is_v5](const Attribute& attribute) {
    return is_route(attribute.name) && (is_v5 || attribute.name != kResponseTopic);
  };
  if (std::ranges::none_of(event.attributes, stays)) return event;
  changed = event;
  std::erase_if(changed.attributes, stays);
  return changed;
}

}  // namespace

Message encode(const Event& event, std::string topic, Format format, std::string& buffer) {
  Message message;
  message.topic = std::move(topic);
  if (format.is_v5 && event.expires_after)
    message.expiry_seconds = in_seconds(*event.expires_after);
  if (format.is_v5 && !event.attributes.empty()) {
    const std::string* const response_topic = find_attribute(event, kResponseTopic);
    if (response_topic != nullptr) message.response_topic = *response_topic;
    message.correlation_data = correlation_data(event);
  }
  if (format.is_binary) {
    message.payload = event.data;
    message.content_type = event.content_type;
    message.user_properties = wire::attributes(event);
    std::erase_if(message.user_properties, [](const auto& p) { return is_route(p.first); });
    return message;
  }
  buffer.clear();
  Event changed;
  wire::append_json(as_sent(event, format.is_v5, changed), buffer);
  message.payload = buffer;
  if (format.is_v5) message.content_type = "application/cloudevents+json; charset=utf-8";
  return message;
}

std::size_t packet_bytes(const Message& message, Format format) {
  std::size_t remaining = 2 + message.topic.size() + 2 + message.payload.size();
  if (format.is_v5) {
    std::size_t properties = message.expiry_seconds == 0 ? 0 : 5;
    if (message.topic_alias != 0) properties += 3;
    for (const std::string* text :
         {&message.content_type, &message.response_topic, &message.correlation_data}) {
      if (!text->empty()) properties += 3 + text->size();
    }
    for (const auto& [name, value] : message.user_properties) {
      properties += 5 + name.size() + value.size();
    }
    remaining += varint_bytes(properties) + properties;
  }
  return 1 + varint_bytes(remaining) + remaining;
}

}  // namespace edgepost::mqtt
