#include "transport/https/authenticator.hpp"

#include <algorithm>
#include <chrono>

#include "base/text.hpp"
#include "tls/digest.hpp"
#include "transport/https/request_template.hpp"
#include "transport/https/url.hpp"
#include "wire/base64.hpp"

namespace edgepost::https {
namespace {

constexpr std::size_t kTextBytesMax = 1'024;

Status check_secret(std::string_view option, const Secret& secret) {
  const int origins =
      (secret.value.empty() ? 0 : 1) + (secret.file.empty() ? 0 : 1) + (secret.source ? 1 : 0);
  if (origins == 0) return invalid(option, "there is none");
  if (origins > 1) return invalid(option, "value, file or source, and only one of them");
  return {};
}

bool can_stand_in_header(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

Status check_basic(const BasicAuth& basic) {
  if (Status status = validate_text("auth.user", basic.user, kTextBytesMax); !status.is_ok()) {
    return status;
  }
  if (basic.user.find(':') != std::string::npos) return invalid("auth.user", "':' in it");
  return check_secret("auth.password", basic.password);
}

Status check_oauth2(const OAuth2Auth& oauth) {
  const Result<Url> url = parse_url("auth.token_url", oauth.token_url);
  if (!url) return url.status();
  if (oauth.client_id.empty()) return invalid("auth.client_id", "it is empty");
  if (Status status = validate_text("auth.client_id", oauth.client_id, kTextBytesMax);
      !status.is_ok()) {
    return status;
  }
  if (Status status = validate_text("auth.scope", oauth.scope, kTextBytesMax); !status.is_ok()) {
    return status;
  }
  return check_secret("auth.client_secret", oauth.client_secret);
}

Status check_api_key(const ApiKeyAuth& api) {
  if (!equals_ignoring_case(api.header, "Authorization")) {
    if (Status status = validate_header("auth.header", {api.header, ""}); !status.is_ok()) {
      return status;
    }
  }
  return check_secret("auth.key", api.key);
}

}  // namespace

Status Authenticator::check() const {
  if (const auto* basic = std::get_if<BasicAuth>(&auth_)) return check_basic(*basic);
  if (const auto* bearer = std::get_if<BearerAuth>(&auth_)) {
    return check_secret("auth.token", bearer->token);
  }
  if (const auto* api = std::get_if<ApiKeyAuth>(&auth_)) return check_api_key(*api);
  if (const auto* oauth = std::get_if<OAuth2Auth>(&auth_)) return check_oauth2(*oauth);
  const auto* webhook = std::get_if<WebhookAuth>(&auth_);
  if (webhook == nullptr) return {};
  if (Status status = check_secret("auth.key", webhook->key); !status.is_ok()) return status;
  if (webhook->key.value.empty()) return {};
  const Result<std::string> key = read_webhook_key(webhook->key.value);
  return key ? Status() : invalid("auth.key", key.status().message());
}

Status Authenticator::take(std::string_view name, const Secret& secret) {
  Result<std::string> read = read_secret(secret);
  if (!read) {
    return {read.status().code(), std::string(name).append(": ").append(read.status().message())};
  }
  secret_ = std::move(*read);
  return {};
}

Status Authenticator::refresh() {
  Status status;
  if (const auto* basic = std::get_if<BasicAuth>(&auth_)) {
    status = take("password", basic->password);
    if (status.is_ok()) secret_ = basic_credentials(basic->user, secret_);
  } else if (const auto* bearer = std::get_if<BearerAuth>(&auth_)) {
    status = take("token", bearer->token);
  } else if (const auto* api = std::get_if<ApiKeyAuth>(&auth_)) {
    status = take("key", api->key);
  } else if (const auto* webhook = std::get_if<WebhookAuth>(&auth_)) {
    status = take("key", webhook->key);
    if (!status.is_ok()) return status;
    Result<std::string> key = read_webhook_key(secret_);
    if (!key) return key.status();
    secret_ = std::move(*key);
    return {};
  }
  if (status.is_ok() && !can_stand_in_header(secret_)) {
    return {Code::refused, "the secret has characters that no header can have"};
  }
  return status;
}

void Authenticator::sign(Request& request, std::string_view message_id, Timestamp now) const {
  if (std::holds_alternative<BasicAuth>(auth_)) {
    request.headers.push_back({"Authorization", secret_});
  } else if (std::holds_alternative<BearerAuth>(auth_) || oauth2() != nullptr) {
    request.headers.push_back({"Authorization", "Bearer " + secret_});
  } else if (const auto* api = std::get_if<ApiKeyAuth>(&auth_)) {
    request.headers.push_back({api->header, secret_});
  } else if (std::holds_alternative<WebhookAuth>(auth_)) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    const std::string timestamp = std::to_string(seconds);
    request.headers.push_back({"webhook-id", std::string(message_id)});
    request.headers.push_back({"webhook-timestamp", timestamp});
    request.headers.push_back(
        {"webhook-signature", webhook_signature(secret_, message_id, timestamp, request.body)});
  }
}

void Authenticator::conceal(std::string& text) const {
  const std::size_t space = std::holds_alternative<BasicAuth>(auth_) ? secret_.find(' ') + 1 : 0;
  const std::string_view sent = std::string_view(secret_).substr(space);
  if (sent.empty() || std::holds_alternative<WebhookAuth>(auth_)) return;
  for (std::size_t at = 0; (at = text.find(sent, at)) != std::string::npos;)
    text.replace(at, sent.size(), "*");
}

std::string basic_credentials(std::string_view user, std::string_view password) {
  std::string both(user);
  both.append(":").append(password);
  std::string out = "Basic ";
  wire::append_base64(both, out);
  return out;
}

Result<std::string> read_webhook_key(std::string_view text) {
  constexpr std::string_view kPrefix = "whsec_";
  std::string key(text);
  if (text.starts_with(kPrefix)) {
    Result<std::string> bytes = wire::parse_base64(text.substr(kPrefix.size()));
    if (!bytes) return Status(Code::refused, "malformed base64 behind whsec_");
    key = std::move(*bytes);
  }
  if (key.size() < 24 || key.size() > 64) {
    return Status(Code::refused, "a key of webhooks has 24 to 64 bytes");
  }
  return key;
}

std::string webhook_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                              std::string_view body) {
  std::string content(id);
  content.append(".").append(timestamp).append(".").append(body);
  std::string out = "v1,";
  wire::append_base64(tls::hmac_sha256(key, content), out);
  return out;
}

}  // namespace edgepost::https
