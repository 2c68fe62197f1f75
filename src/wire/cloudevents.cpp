#include "wire/cloudevents.hpp"

#include <algorithm>

#include "base/utf8.hpp"
#include "wire/base64.hpp"

namespace edgepost::wire {
namespace {

/// A content type without its parameters, in lower case.
std::string media_type(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (!type.empty() && type.back() == ' ')
    type.remove_suffix(1);
  std::string lower(type);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return lower;
}

/// When the event expires; the far end of the calendar when that is beyond it.
Timestamp expiry(Timestamp time, Duration expires_after) {
  return time > Timestamp::max() - expires_after ? Timestamp::max() : time + expires_after;
}

void append_member(std::string_view name, std::string_view value, std::string& out) {
  append_json_string(name, out);
  out.push_back(':');
  append_json_string(value, out);
}

void append_data(const Event& event, std::string& out) {
  if (event.data.empty()) return;
  const std::string type = media_type(event.content_type);
  if (is_json_type(type) && is_json(event.data)) {
    out.append(",\"data\":");
    std::copy_if(event.data.begin(), event.data.end(), std::back_inserter(out),
                 [](char c) { return c != '\n' && c != '\r'; });
  } else if ((type.empty() || (type.starts_with("text/") && !is_json_type(type))) &&
             find_invalid_utf8(event.data) == std::string_view::npos) {
    append_member("data", event.data, out.append(","));
  } else {
    out.append(",\"data_base64\":\"");
    append_base64(event.data, out);
    out.push_back('"');
  }
}

}  // namespace

std::vector<std::pair<std::string_view, std::string>> attributes(const Event& event) {
  std::vector<std::pair<std::string_view, std::string>> out;
  const auto add = [&out](std::string_view name, std::string_view value) {
    if (!value.empty()) out.emplace_back(name, value);
  };
  add("specversion", "1.0");
  if (!event.id.is_nil()) add("id", event.id.to_string());
  add("source", event.source);
  add("type", event.type.empty() ? std::string_view("edgepost.event") : event.type);
  add("subject", event.topic);
  if (event.time) add("time", format_time(*event.time));
  add("dataschema", event.schema);
  add("partitionkey", event.key);
  if (event.sequence != 0) add("sequence", std::to_string(event.sequence));
  add("correlationid", event.correlation_id);
  add("causationid", event.causation_id);
  add("traceparent", event.trace_parent);
  if (event.time && event.expires_after) {
    add("expirytime", format_time(expiry(*event.time, *event.expires_after)));
  }
  for (const Attribute& attribute : event.attributes) {
    out.emplace_back(attribute.name, attribute.value);
  }
  return out;
}

void append_json(const Event& event, std::string& out) {
  char separator = '{';
  for (const auto& [name, value] : attributes(event)) {
    out.push_back(separator);
    append_member(name, value, out);
    separator = ',';
  }
  if (!event.content_type.empty()) {
    append_member("datacontenttype", event.content_type, out.append(","));
  }
  append_data(event, out);
  out.push_back('}');
}

void append_batch(std::span<const Event* const> events, std::string& out) {
  char separator = '[';
  for (const Event* event : events) {
    out.push_back(separator);
    append_json(*event, out);
    separator = ',';
  }
  out.append(events.empty() ? "[]" : "]");
}

bool is_json_type(std::string_view content_type) {
  const std::string type = media_type(content_type);
  return type.ends_with("/json") || type.ends_with("+json");
}

}  // namespace edgepost::wire
