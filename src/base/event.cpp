#include "edgepost/event.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/text.hpp"
#include "base/topic.hpp"

namespace edgepost {
namespace {

constexpr std::string_view kIdShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::string_view kTraceShape = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";

// Words become message properties and SQL columns, addresses are longer by nature; the sum of all
// stays far below the 64 KiB that an MQTT property may have.
constexpr std::size_t kWordBytesMax = 255;
constexpr std::size_t kAddressBytesMax = 1024;
constexpr std::size_t kAttributesMax = 32;
constexpr std::size_t kAttributeNameBytesMax = 20;  // what CloudEvents advises
constexpr std::size_t kAttributeValueBytesMax = 1024;

// RFC 3339, which times travel in, has four digits for the year.
constexpr Timestamp kEarliest = std::chrono::sys_days(std::chrono::year(0) / 1 / 1);
constexpr Timestamp kLatest =
    Timestamp(std::chrono::sys_days(std::chrono::year(10'000) / 1 / 1)) - Duration(1);

// Names that CloudEvents or Event itself give a meaning to.
constexpr std::array<std::string_view, 17> kReservedNames = {
    "causationid", "correlationid", "data",         "datacontenttype", "dataschema", "expirytime",
    "id",          "key",           "partitionkey", "sequence",        "source",     "specversion",
    "subject",     "time",          "topic",        "traceparent",     "type"};

Status invalid(std::string_view what, std::string_view rule) {
  return {Code::invalid_argument, std::string(what) + ": " + std::string(rule)};
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The value of a hexadecimal digit of either case; 16 for anything else.
unsigned hex_value(char c) {
  if (is_digit(c)) return static_cast<unsigned>(c - '0');
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? static_cast<unsigned>(lower - 'a') + 10 : 16;
}

// The first byte that breaks `shape`, in which x is a hexadecimal digit; npos when there is none.
// Requires: equally long.
std::size_t find_misfit(std::string_view text, std::string_view shape) {
  for (std::size_t at = 0; at < shape.size(); ++at) {
    const bool fits = shape[at] == 'x' ? hex_value(text[at]) < 16 : text[at] == shape[at];
    if (!fits) return at;
  }
  return std::string_view::npos;
}

// The end of the token (RFC 2045) that begins at `at`; `at` itself when none does.
std::size_t skip_token(std::string_view text, std::size_t at) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`{|}~";
  while (at < text.size() &&
         (is_letter(text[at]) || is_digit(text[at]) || kMarks.find(text[at]) != kMarks.npos)) {
    ++at;
  }
  return at;
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(' ', at), text.size());
}

// The end of the token or quoted string that begins at `at`; `at` itself when none does.
std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at == text.size() || text[at] != '"') return skip_token(text, at);
  for (std::size_t end = at + 1; end < text.size(); ++end) {
    if (text[end] == '"') return end + 1;
    if (static_cast<unsigned char>(text[end]) > 0x7E) return at;
    if (text[end] == '\\') ++end;
  }
  return at;
}

// Where `text` stops being `type/subtype; name=value; name="value"`; npos when it never does. The
// size of the text when more is missing.
std::size_t find_media_type_error(std::string_view text) {
  std::size_t at = skip_token(text, 0);
  if (at == 0 || at == text.size() || text[at] != '/') return at;
  const std::size_t subtype = at + 1;
  at = skip_token(text, subtype);
  if (at == subtype) return at;
  while (at < text.size()) {
    at = skip_spaces(text, at);
    if (at == text.size() || text[at] != ';') return at;
    const std::size_t name = skip_spaces(text, at + 1);
    at = skip_token(text, name);
    if (at == name || at == text.size() || text[at] != '=') return at;
    const std::size_t value = at + 1;
    at = skip_value(text, value);
    if (at == value) return at;
  }
  return std::string_view::npos;
}

Status validate_content_type(std::string_view text) {
  constexpr std::string_view kRule = "not part of a media type such as application/json";
  if (text.empty()) return {};
  if (Status status = validate_text("content_type", text, kWordBytesMax); !status.is_ok()) {
    return status;
  }
  const std::size_t at = find_media_type_error(text);
  if (at == std::string_view::npos) return {};
  if (at < text.size()) return invalid_byte("content_type", text, at, kRule);
  return invalid("content_type", "ends before it is a media type such as application/json");
}

// Checks the characters of a URI reference (RFC 3986, section 2), not its structure.
Status validate_uri_reference(std::string_view what, std::string_view text) {
  constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=";
  if (Status status = validate_text(what, text, kAddressBytesMax); !status.is_ok()) return status;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (is_letter(c) || is_digit(c) || kMarks.find(c) != kMarks.npos) continue;
    if (c != '%') return invalid_byte(what, text, at, "not allowed in a URI reference");
    const bool is_escape =
        text.size() - at > 2 && hex_value(text[at + 1]) < 16 && hex_value(text[at + 2]) < 16;
    if (!is_escape) return invalid_byte(what, text, at, "two hexadecimal digits must follow it");
    at += 2;
  }
  return {};
}

Status validate_schema(std::string_view schema) {
  if (schema.empty()) return {};
  if (Status status = validate_uri_reference("schema", schema); !status.is_ok()) return status;
  const std::string_view scheme = schema.substr(0, schema.find_first_of(":/?#"));
  const bool is_absolute =
      is_letter(schema.front()) && schema.substr(scheme.size()).starts_with(':');
  if (is_absolute) return {};
  return invalid("schema", "a whole URI is wanted, beginning with its scheme");
}

bool is_zero(std::string_view digits) {
  return digits.find_first_not_of('0') == std::string_view::npos;
}

// W3C Trace Context, level 1, section 3.2.2.
Status validate_trace_parent(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() != kTraceShape.size()) {
    return invalid("trace_parent", std::to_string(text.size()) + " bytes, exactly 55 are wanted");
  }
  std::size_t at = find_misfit(text, kTraceShape);
  at = std::min(at, text.find_first_of("ABCDEF"));
  if (at != std::string_view::npos) {
    return invalid_byte("trace_parent", text, at,
                        "lower-case hexadecimal version-trace-parent-flags is wanted");
  }
  if (text.starts_with("ff")) return invalid("trace_parent", "version ff is not allowed");
  if (is_zero(text.substr(3, 32))) return invalid("trace_parent", "the trace id is zero");
  if (is_zero(text.substr(36, 16))) return invalid("trace_parent", "the parent id is zero");
  return {};
}

Status validate_times(const Event& event) {
  const Timestamp time = event.time.value_or(Timestamp());
  if (time < kEarliest || time > kLatest) {
    return invalid("time", "outside the years 0000 to 9999");
  }
  for (const auto& [what, span] : {std::pair{"expires_after", event.expires_after},
                                   std::pair{"not_before", event.not_before}}) {
    if (!span.has_value()) continue;
    if (*span <= Duration::zero()) return invalid(what, "must be more than zero");
    if (*span > kLatest - time) return invalid(what, "ends after the year 9999");
  }
  return {};
}

Status validate_attribute(const Attribute& attribute) {
  const std::string& name = attribute.name;
  if (name.empty() || name.size() > kAttributeNameBytesMax) {
    return invalid("name", std::to_string(name.size()) + " bytes, 1 to 20 are wanted");
  }
  for (std::size_t at = 0; at < name.size(); ++at) {
    if ((name[at] >= 'a' && name[at] <= 'z') || is_digit(name[at])) continue;
    return invalid_byte("name", name, at, "only a-z and 0-9 are allowed");
  }
  const auto end = kReservedNames.end();
  if (std::find(kReservedNames.begin(), end, name) != end) {
    return invalid("name", "'" + name + "' means something else in every event");
  }
  return validate_text("value", attribute.value, kAttributeValueBytesMax);
}

Status validate_attributes(const std::vector<Attribute>& attributes) {
  if (attributes.size() > kAttributesMax) {
    return invalid("attributes", std::to_string(attributes.size()) + ", at most " +
                                     std::to_string(kAttributesMax) + " are allowed");
  }
  for (auto attribute = attributes.begin(); attribute != attributes.end(); ++attribute) {
    Status status = validate_attribute(*attribute);
    const auto same = std::find_if(attributes.begin(), attribute, [&](const Attribute& other) {
      return other.name == attribute->name;
    });
    if (same != attribute) status = invalid("name", "'" + same->name + "' is there twice");
    if (status.is_ok()) continue;
    const std::string place = std::to_string(attribute - attributes.begin());
    return {status.code(), "attributes[" + place + "]." + status.message()};
  }
  return {};
}

}  // namespace

Result<EventId> EventId::parse(std::string_view text) {
  if (text.size() != kIdShape.size()) {
    return invalid("id", std::to_string(text.size()) + " bytes, a UUID has 36");
  }
  if (const std::size_t at = find_misfit(text, kIdShape); at != std::string_view::npos) {
    return invalid_byte("id", text, at, "not what a UUID has there");
  }
  std::array<std::uint8_t, 16> bytes{};
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == '-') continue;
    const unsigned shifted = static_cast<unsigned>(bytes[digits / 2]) << 4U;
    bytes[digits / 2] = static_cast<std::uint8_t>(shifted | hex_value(c));
    ++digits;
  }
  return EventId(bytes);
}

std::string EventId::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(kIdShape);
  std::size_t digits = 0;
  for (char& c : text) {
    if (c == '-') continue;
    const std::uint8_t byte = bytes_[digits / 2];
    c = kDigits[digits % 2 == 0 ? byte >> 4U : byte & 0xFU];
    ++digits;
  }
  return text;
}

Event Event::caused_by(const Event& parent) && {
  causation_id = parent.id.is_nil() ? std::string() : parent.id.to_string();
  correlation_id = parent.correlation_id.empty() ? causation_id : parent.correlation_id;
  if (trace_parent.empty()) trace_parent = parent.trace_parent;
  return std::move(*this);
}

Status validate(const Event& event, const EventLimits& limits) {
  if (Status status = validate_topic(event.topic); !status.is_ok()) return status;
  if (event.data.size() > limits.data_bytes_max) {
    return invalid("data", std::to_string(event.data.size()) + " bytes, at most " +
                               std::to_string(limits.data_bytes_max) + " are allowed");
  }
  const std::array<std::pair<std::string_view, std::string_view>, 4> words = {
      {{"key", event.key},
       {"type", event.type},
       {"correlation_id", event.correlation_id},
       {"causation_id", event.causation_id}}};
  for (const auto& [what, text] : words) {
    if (Status status = validate_text(what, text, kWordBytesMax); !status.is_ok()) return status;
  }
  Status status = validate_content_type(event.content_type);
  if (status.is_ok()) status = validate_schema(event.schema);
  if (status.is_ok()) status = validate_uri_reference("source", event.source);
  if (status.is_ok()) status = validate_trace_parent(event.trace_parent);
  if (status.is_ok()) status = validate_times(event);
  if (status.is_ok()) status = validate_attributes(event.attributes);
  return status;
}

}  // namespace edgepost
