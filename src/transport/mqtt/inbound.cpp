#include "transport/mqtt/inbound.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "base/topic.hpp"
#include "transport/mqtt/attributes.hpp"
#include "wire/base64.hpp"
#include "wire/foreign.hpp"

namespace edgepost::mqtt {
namespace {

constexpr std::size_t kCorrelationIdBytesMax = 255;

bool is_structured_type(std::string_view content_type) {
  constexpr std::string_view kType = "application/cloudevents+json";
  return content_type.starts_with(kType) &&
         (content_type.size() == kType.size() || content_type[kType.size()] == ';' ||
          content_type[kType.size()] == ' ');
}

/// True when an event may have this attribute beside those that it has.
bool has_room(const Event& event, const Attribute& attribute) {
  if (find_attribute(event, attribute.name) != nullptr) return false;
  Event probe{.topic = "-"};
  probe.attributes = event.attributes;
  probe.attributes.push_back(attribute);
  return validate(probe, {}).is_ok();
}

void add(Event& event, std::string_view name, std::string value) {
  Attribute attribute{std::string(name), std::move(value)};
  if (has_room(event, attribute)) event.attributes.push_back(std::move(attribute));
}

/// Nothing when the message is no CloudEvent, or only claims to be one.
std::optional<Received> decode_cloud_event(Inbound& message) {
  if (is_structured_type(message.content_type) ||
      (message.content_type.empty() && message.payload.starts_with('{'))) {
    Result<Received> read = wire::read_structured(message.payload);
    if (!read) return {};
    return std::move(*read);
  }
  const auto names_version = [](const auto& property) { return property.first == "specversion"; };
  if (std::ranges::none_of(message.user_properties, names_version)) return {};
  Result<Received> read =
      wire::read_binary(message.user_properties, message.content_type, message.payload);
  if (!read) return {};
  return std::move(*read);
}

/// Attributes from outside: those that fit, each once, and none that is for us to say.
void keep_fitting(Event& event) {
  const std::vector<Attribute> all = std::exchange(event.attributes, {});
  for (const Attribute& attribute : all) {
    const bool is_ours = attribute.name == kDestination || attribute.name == kRetained ||
                         attribute.name == kMqttTopic;
    if (!is_ours) add(event, attribute.name, attribute.value);
  }
}

Received decode_raw(Inbound& message) {
  Received received;
  Event& event = received.event;
  event.topic = message.topic;
  event.data = std::move(message.payload);
  if (validate(Event{.topic = "-", .content_type = message.content_type}, {}).is_ok()) {
    event.content_type = std::move(message.content_type);
  }
  for (auto& [name, value] : message.user_properties)
    event.attributes.push_back({std::move(name), std::move(value)});
  return received;
}

void take_correlation(Event& event, const std::string& data) {
  if (data.empty() || data == event.correlation_id) return;
  if (event.correlation_id.empty() && validate_text("", data, kCorrelationIdBytesMax).is_ok()) {
    event.correlation_id = data;
    return;
  }
  std::string encoded;
  wire::append_base64(data, encoded);
  add(event, kCorrelationData, std::move(encoded));
}

}  // namespace

Received decode(Inbound&& message) {
  std::optional<Received> read = decode_cloud_event(message);
  const bool is_cloud_event = read.has_value();
  Received received = is_cloud_event ? std::move(*read) : decode_raw(message);
  Event& event = received.event;
  keep_fitting(event);
  // An event without a subject was given its type as topic.
  if (is_cloud_event && (event.topic == event.type || !validate_topic(event.topic).is_ok())) {
    event.topic = message.topic;
  }
  if (is_cloud_event && event.id.is_nil()) {
    add(event, "originid", received.identity.substr(event.source.size() + 1));
  }
  if (event.topic != message.topic) add(event, kMqttTopic, message.topic);
  if (message.is_retained) add(event, kRetained, "true");
  if (!message.response_topic.empty()) {
    std::erase_if(event.attributes, [](const Attribute& a) { return a.name == kResponseTopic; });
    add(event, kResponseTopic, std::move(message.response_topic));
  }
  take_correlation(event, message.correlation_data);
  if (message.expiry_seconds != 0) {
    event.expires_after = std::chrono::seconds(message.expiry_seconds);
  }
  return received;
}

}  // namespace edgepost::mqtt
