#include "wire/foreign.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "wire/base64.hpp"
#include "wire/cloudevents.hpp"
#include "wire/json_reader.hpp"
#include "wire/text_fields.hpp"
#include "wire/time.hpp"

namespace edgepost::wire {
namespace {

/// Takes attributes one by one, then says what event they make.
class Collector {
 public:
  Status take(std::string_view name, std::string value) {
    if (name == "sequence") return {};
    if (name == "specversion") {
      has_version_ = value == "1.0";
      return has_version_ ? Status() : invalid_attribute(name, "only 1.0 is understood");
    }
    if (name == "id") {
      id_ = std::move(value);
      return {};
    }
    if (name == "time" || name == "expirytime") {
      const Result<Timestamp> time = parse_time(value);
      if (!time) return invalid_attribute(name, time.status().message());
      (name == "time" ? received_.event.time : expiry_) = *time;
      return {};
    }
    const auto* field = std::ranges::find(kTextFields, name, &TextField::name);
    if (field != kTextFields.end()) {
      received_.event.*(field->field) = std::move(value);
    } else {
      received_.event.attributes.push_back({std::string(name), std::move(value)});
    }
    return {};
  }

  Event& event() { return received_.event; }

  Result<Received> finish() {
    Event& event = received_.event;
    if (!has_version_) return invalid_attribute("specversion", "missing");
    if (id_.empty()) return invalid_attribute("id", "missing");
    if (event.source.empty()) return invalid_attribute("source", "missing");
    if (event.type.empty()) return invalid_attribute("type", "missing");
    if (event.topic.empty()) event.topic = event.type;
    if (const Result<EventId> id = EventId::parse(id_); id.is_ok()) event.id = *id;
    received_.identity = event.source + " " + id_;
    if (event.time && expiry_) {
      if (*expiry_ <= *event.time) return invalid_attribute("expirytime", "not after time");
      event.expires_after = *expiry_ - *event.time;
    }
    return std::move(received_);
  }

 private:
  Received received_;
  std::string id_;
  std::optional<Timestamp> expiry_;
  bool has_version_ = false;
};

/// The text of a value that is a string, number or boolean; numbers as they were written.
Result<std::string> scalar(const JsonMember& member) {
  const char first = member.value.front();
  if (first == '"') return read_text(member.value);
  if (first == '{' || first == '[')
    return invalid_attribute(member.name, "not a string, number or boolean");
  return std::string(member.value);
}

Status take_data(const std::vector<JsonMember>& members, Event& event) {
  const std::string_view plain = find_member(members, "data");
  const std::string_view encoded = find_member(members, "data_base64");
  if (!plain.empty() && !encoded.empty())
    return invalid_attribute("data_base64", "data is there already");
  if (!encoded.empty() && encoded != "null") {
    const Result<std::string> text = read_text(encoded);
    if (!text) return invalid_attribute("data_base64", text.status().message());
    Result<std::string> bytes = parse_base64(*text);
    if (!bytes) return invalid_attribute("data_base64", bytes.status().message());
    event.data = std::move(*bytes);
  } else if (plain.starts_with('"') && !is_json_type(event.content_type)) {
    event.data = read_text(plain).value();
  } else if (!plain.empty()) {
    event.data = plain;
    if (event.content_type.empty()) event.content_type = "application/json";
  }
  return {};
}

}  // namespace

Result<Received> read_structured(std::string_view json) {
  const Result<std::vector<JsonMember>> members = read_members(json);
  if (!members) return members.status();
  Collector collector;
  for (const JsonMember& member : *members) {
    if (member.name == "data" || member.name == "data_base64" || member.value == "null") continue;
    Result<std::string> value = scalar(member);
    if (!value) return value.status();
    const bool is_text = member.value.starts_with('"');
    const bool is_free =
        std::ranges::find(kTextFields, member.name, &TextField::name) == kTextFields.end() &&
        member.name != "id" && member.name != "time";
    if (!is_text && !is_free) return invalid_attribute(member.name, "not a string");
    if (Status status = collector.take(member.name, std::move(*value)); !status.is_ok()) {
      return status;
    }
  }
  if (Status status = take_data(*members, collector.event()); !status.is_ok()) return status;
  return collector.finish();
}

Result<Received> read_binary(std::span<const std::pair<std::string, std::string>> attributes,
                             std::string_view content_type, std::string_view data) {
  Collector collector;
  for (auto each = attributes.begin(); each != attributes.end(); ++each) {
    const auto same = [&](const auto& other) { return other.first == each->first; };
    if (std::any_of(attributes.begin(), each, same)) {
      return invalid_attribute(each->first, "it stood there before");
    }
    if (Status status = collector.take(each->first, each->second); !status.is_ok()) return status;
  }
  collector.event().content_type = content_type;
  collector.event().data = data;
  return collector.finish();
}

Result<std::vector<std::string_view>> read_batch(std::string_view json, std::size_t count_max) {
  return read_elements(json, count_max);
}

}  // namespace edgepost::wire
