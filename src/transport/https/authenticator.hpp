#pragma once

#include <string>
#include <string_view>

#include "edgepost/https.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "transport/https/message.hpp"

namespace edgepost::https {

/// Proves who sends a request. The secret is read for each connection, and lives here until then.
class Authenticator {
 public:
  explicit Authenticator(HttpsAuth auth) : auth_(std::move(auth)) {}

  /// Errors: invalid_argument, naming the option: a secret missing, from two origins or malformed,
  /// a user with `:`, an API key's header that is none or that the transport sets itself, a
  /// token_url that is none.
  [[nodiscard]] Status check() const;

  /// Reads the secret. Errors: as read_secret(); refused: it cannot stand in a header, or be a key.
  /// With OAuth 2.0 there is nothing to read: the token comes by set_token().
  Status refresh();

  void set_token(std::string token) { secret_ = std::move(token); }
  [[nodiscard]] const OAuth2Auth* oauth2() const { return std::get_if<OAuth2Auth>(&auth_); }
  [[nodiscard]] bool has_secret() const { return auth_.index() != 0; }

  /// Adds what proves the request. `message_id` names the message and is the same when it is sent
  /// again.
  void sign(Request& request, std::string_view message_id, Timestamp now) const;

  /// Strikes out what was sent to prove requests, in words of the server's that repeat it.
  void conceal(std::string& text) const;

 private:
  Status take(std::string_view name, const Secret& secret);

  HttpsAuth auth_;
  std::string secret_;  // What goes into the header; for webhooks the key.
};

/// `Basic` and user and password in base64 (RFC 7617).
std::string basic_credentials(std::string_view user, std::string_view password);

/// Reads a key of Standard Webhooks: `whsec_` and base64, or the bytes themselves.
/// Errors: refused: malformed base64, not 24 to 64 bytes.
Result<std::string> read_webhook_key(std::string_view text);

/// The value of `webhook-signature` (Standard Webhooks, symmetric, v1).
std::string webhook_signature(std::string_view key, std::string_view id, std::string_view timestamp,
                              std::string_view body);

}  // namespace edgepost::https
