#include "transport/https/request_template.hpp"

#include <algorithm>
#include <array>

#include "wire/cloudevents.hpp"
#include "wire/json.hpp"
#include "wire/percent.hpp"
#include "wire/time.hpp"

namespace edgepost::https {
namespace {

constexpr std::array<std::string_view, 9> kFields = {
    "id", "topic", "key", "type", "source", "time", "data", "device_id", "sequence"};
constexpr std::string_view kAttribute = "attribute:";

constexpr std::string_view kTokenCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~";

// What the transport writes itself; a second one would make two requests out of one.
constexpr std::array<std::string_view, 14> kOwnHeaders = {"Host",
                                                          "Content-Length",
                                                          "Content-Type",
                                                          "Content-Encoding",
                                                          "Transfer-Encoding",
                                                          "Connection",
                                                          "Keep-Alive",
                                                          "User-Agent",
                                                          "Authorization",
                                                          "Idempotency-Key",
                                                          "Accept",
                                                          "Accept-Encoding",
                                                          "Last-Event-ID",
                                                          "Expect"};

Status malformed(std::string_view option, std::size_t position, std::string_view what) {
  return invalid(option, "byte " + std::to_string(position) + ": " + std::string(what));
}

std::string value_of(std::string_view field, std::string_view attribute, const Event& event,
                     std::string_view device_id) {
  if (field == "id") return event.id.to_string();
  if (field == "topic") return event.topic;
  if (field == "key") return event.key;
  if (field == "type") return event.type.empty() ? "edgepost.event" : event.type;
  if (field == "source") return event.source;
  if (field == "time") return event.time ? wire::format_time(*event.time) : "";
  if (field == "data") return event.data;
  if (field == "device_id") return std::string(device_id);
  if (field == "sequence") return std::to_string(event.sequence);
  const auto found = std::ranges::find(event.attributes, attribute, &Attribute::name);
  return found == event.attributes.end() ? "" : found->value;
}

void append_as_json(std::string_view value, std::string& out) {
  std::string quoted;
  wire::append_json_string(value, quoted);
  out.append(quoted, 1, quoted.size() - 2);
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view option, std::string_view text, Escape escape) {
  Pattern pattern;
  pattern.escape_ = escape;
  Piece piece;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '{' && c != '}') {
      piece.literal.push_back(c);
      continue;
    }
    if (text.substr(at + 1).starts_with(c)) {
      piece.literal.push_back(c);
      ++at;
      continue;
    }
    const std::size_t end = text.find('}', at);
    if (c == '}' || end == std::string_view::npos) {
      return malformed(option, at, "a brace that stands for itself is written twice");
    }
    piece.field = text.substr(at + 1, end - at - 1);
    if (piece.field.starts_with(kAttribute) && piece.field.size() > kAttribute.size()) {
      piece.attribute = piece.field.substr(kAttribute.size());
      piece.field = "attribute";
    } else if (std::ranges::find(kFields, piece.field) == kFields.end()) {
      return malformed(option, at, "unknown field");
    }
    pattern.pieces_.push_back(std::move(piece));
    piece = {};
    at = end;
  }
  pattern.pieces_.push_back(std::move(piece));
  return pattern;
}

std::string Pattern::expand(const Event& event, std::string_view device_id) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.literal;
    if (piece.field.empty()) continue;
    const std::string value = value_of(piece.field, piece.attribute, event, device_id);
    const bool is_bare = piece.field == "data" && wire::is_json_type(event.content_type) &&
                         wire::is_json(event.data);
    switch (escape_) {
      case Escape::path:
        wire::append_uri_value(value, out);
        break;
      case Escape::header:
        wire::append_header_value(value, out);
        break;
      case Escape::json:
        if (!is_bare) {
          append_as_json(value, out);
          break;
        }
        [[fallthrough]];
      case Escape::none:
        out += value;
    }
  }
  return out;
}

Status validate_header(std::string_view option, const HttpHeader& header) {
  if (header.name.empty() || header.name.find_first_not_of(kTokenCharacters) != std::string::npos) {
    return invalid(option, "the name of a header is a token (RFC 9110, section 5.6.2)");
  }
  const auto is_same = [&](std::string_view own) { return equals_ignoring_case(own, header.name); };
  if (std::ranges::any_of(kOwnHeaders, is_same)) {
    return invalid(option, header.name + " is set by the transport");
  }
  const auto is_bad = [](char c) { return (c < ' ' && c != '\t') || c > '~'; };
  if (std::ranges::any_of(header.value, is_bad)) {
    return invalid(option, header.name + ": visible ASCII, spaces and tabs only");
  }
  return {};
}

Result<CompiledTemplate> CompiledTemplate::compile(const RequestTemplate& source,
                                                   std::string device_id) {
  using Escape = Pattern::Escape;
  CompiledTemplate made;
  if (source.method != "POST" && source.method != "PUT" && source.method != "PATCH") {
    return invalid("request.method", "POST, PUT or PATCH");
  }
  made.method_ = source.method;
  made.device_id_ = std::move(device_id);
  const auto is_in_uri = [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '#'; };
  const auto bad = std::ranges::find_if_not(source.path, is_in_uri);
  if (bad != source.path.end()) {
    return malformed("request.path", static_cast<std::size_t>(bad - source.path.begin()),
                     "this character must be percent-encoded");
  }
  Result<Pattern> path = Pattern::parse("request.path", source.path, Escape::path);
  if (!path) return path.status();
  made.path_ = std::move(*path);
  const HttpHeader type = {"content_type", source.content_type};
  if (Status status = validate_header("request", type); !status.is_ok()) return status;
  made.content_type_ = source.content_type;
  const Escape escape = wire::is_json_type(source.content_type) ? Escape::json : Escape::none;
  Result<Pattern> body = Pattern::parse("request.body", source.body, escape);
  if (!body) return body.status();
  made.body_ = std::move(*body);
  for (const HttpHeader& header : source.headers) {
    if (Status status = validate_header("request.headers", header); !status.is_ok()) return status;
    Result<Pattern> value =
        Pattern::parse("request.headers: " + header.name, header.value, Escape::header);
    if (!value) return value.status();
    made.headers_.push_back({header.name, std::move(*value)});
  }
  const std::string dotted = "." + source.response_field + ".";
  if (!source.response_field.empty() && dotted.find("..") != std::string::npos) {
    return invalid("request.response_field", "names with one dot between");
  }
  return made;
}

Request CompiledTemplate::expand(const Event& event) const {
  Request request;
  request.method = method_;
  request.target = path_.expand(event, device_id_);
  request.headers.push_back({"Content-Type", content_type_});
  for (const HeaderPattern& header : headers_) {
    request.headers.push_back({header.name, header.value.expand(event, device_id_)});
  }
  request.body = body_.expand(event, device_id_);
  return request;
}

}  // namespace edgepost::https
