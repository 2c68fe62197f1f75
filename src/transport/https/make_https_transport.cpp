#include <cerrno>
#include <system_error>
#include <utility>

#include "edgepost/https.hpp"
#include "transport/https/https_transport.hpp"
#include "transport/https/message.hpp"

namespace edgepost {
namespace {

using https::HttpsTransport;
using https::invalid;
using https::Line;
using https::Url;

// A stream whose server says nothing, not even a comment, for so long is taken for dead.
constexpr Duration kStreamSilence = std::chrono::seconds(60);
constexpr Duration kNoLimit = std::chrono::hours(24 * 365);

Status check_url(std::string_view option, const Url& url, const HttpsOptions& options) {
  if (!url.is_tls && !options.allow_plaintext) {
    return invalid(option, "http:// is sent in clear; https://, or allow_plaintext");
  }
  return {};
}

Status check_duration(std::string_view option, Duration value, Duration most) {
  if (value >= std::chrono::milliseconds(100) && value <= most) return {};
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(most).count();
  return invalid(option, "from 100 ms to " + std::to_string(seconds) + " s");
}

Status check_limits(const HttpsOptions& options) {
  constexpr Duration kMost = std::chrono::seconds(30);
  constexpr std::size_t kBytesMost = 64 * 1024 * 1024;
  for (const auto& [name, value] : {std::pair("connect_timeout", options.connect_timeout),
                                    std::pair("response_timeout", options.response_timeout),
                                    std::pair("total_timeout", options.total_timeout)}) {
    if (Status status = check_duration(name, value, kMost); !status.is_ok()) return status;
  }
  if (options.batch_events_max < 1 || options.batch_events_max > 10'000) {
    return invalid("batch_events_max", "from 1 to 10,000");
  }
  for (const auto& [name, value] : {std::pair("request_bytes_max", options.request_bytes_max),
                                    std::pair("response_bytes_max", options.response_bytes_max)}) {
    if (value < 1024 || value > kBytesMost) return invalid(name, "from 1 KiB to 64 MiB");
  }
  return {};
}

Status check_headers(const HttpsOptions& options) {
  for (const HttpHeader& header : options.headers) {
    if (Status status = https::validate_header("headers", header); !status.is_ok()) return status;
  }
  for (const char c : options.device_id) {
    if (c <= ' ' || c > '~' || c == '(' || c == ')' || c == '\\') {
      return invalid("device_id", "visible ASCII without parentheses and backslash");
    }
  }
  return {};
}

Status check_auth(const HttpsOptions& options) {
  const https::Authenticator authenticator(options.auth);
  if (Status status = authenticator.check(); !status.is_ok()) return status;
  const OAuth2Auth* oauth2 = authenticator.oauth2();
  if (oauth2 == nullptr) return {};
  const Url url = https::parse_url("auth.token_url", oauth2->token_url).value();
  if (url.is_tls && oauth2->tls == nullptr && options.tls == nullptr) {
    return invalid("auth.token_url", "https:// needs tls");
  }
  return check_url("auth.token_url", url, options);
}

Status check_gzip(const HttpsOptions& options) {
  if (options.gzip && std::holds_alternative<WebhookAuth>(options.auth)) {
    return invalid("gzip", "a webhook is signed as it is sent, and many receivers unpack it first");
  }
  return {};
}

/// Checks everything but templates and URLs.
Status check(const HttpsOptions& options) {
  for (Status (*part)(const HttpsOptions&) :
       {&check_limits, &check_headers, &check_auth, &check_gzip}) {
    if (Status status = part(options); !status.is_ok()) return status;
  }
  return {};
}

Result<Url> read_url(std::string_view option, const std::string& text,
                     const HttpsOptions& options) {
  Result<Url> url = https::parse_url(option, text);
  if (!url) return url.status();
  if (url->is_tls && options.tls == nullptr) return invalid(option, "https:// needs tls");
  if (Status status = check_url(option, *url, options); !status.is_ok()) return status;
  return url;
}

Line::Options line_options(const Url& url, const HttpsOptions& options) {
  Line::Options line;
  line.url = url;
  line.tls = url.is_tls ? options.tls : nullptr;
  line.connect_timeout = options.connect_timeout;
  line.response_timeout = options.response_timeout;
  line.total_timeout = options.total_timeout;
  line.response_bytes_max = options.response_bytes_max;
  return line;
}

Status add_inbound(HttpsTransport::Parts& parts) {
  const HttpsOptions& options = parts.options;
  if (options.inbound == HttpsInbound::none) return {};
  const bool is_own = !options.inbound_url.empty();
  Result<Url> url = is_own ? read_url("inbound_url", options.inbound_url, options) : parts.url;
  if (!url) return url.status();
  parts.inbound_url = std::move(*url);
  Line::Options line = line_options(parts.inbound_url, options);
  // A poll is held open by the server, a stream for good.
  line.response_timeout = line.total_timeout;
  if (options.inbound == HttpsInbound::events) {
    line.response_timeout = kStreamSilence;
    line.total_timeout = kNoLimit;
  }
  Result<std::unique_ptr<Line>> made = Line::make(std::move(line), parts.platform);
  if (!made) return made.status();
  parts.inbound_line = std::move(*made);
  return {};
}

}  // namespace

Result<std::unique_ptr<Transport>> make_https_transport(const HttpsOptions& options,
                                                        const Platform& platform) {
  HttpsTransport::Parts parts;
  Result<Url> url = read_url("url", options.url, options);
  if (!url) return url.status();
  if (Status status = check(options); !status.is_ok()) return status;
  if (options.request) {
    auto compiled = https::CompiledTemplate::compile(*options.request, options.device_id);
    if (!compiled) return compiled.status();
    parts.request = std::move(*compiled);
  }
  parts.options = options;
  parts.platform = complete(platform);
  parts.url = std::move(*url);
  Result<std::unique_ptr<Line>> line = Line::make(line_options(parts.url, options), parts.platform);
  if (!line) return line.status();
  parts.line = std::move(*line);
  if (Status status = add_inbound(parts); !status.is_ok()) return status;
  auto transport = std::make_unique<HttpsTransport>(std::move(parts));
  if (!transport->is_usable()) {
    return Status(Code::io_error, "eventfd: " + std::generic_category().message(errno));
  }
  return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace edgepost
