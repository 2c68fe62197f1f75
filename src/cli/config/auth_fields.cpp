#include "cli/config/auth_fields.hpp"

#include <array>

#include "cli/config/config.hpp"
#include "cli/config/tls_fields.hpp"
#include "cli/text_file.hpp"

namespace edgepost::cli {
namespace {

using O = OAuth2Auth;

constexpr std::array kBasic{
    needed(field<&BasicAuth::user>("user", "Without a colon")),
    needed(field<&BasicAuth::password>("password", "Read for each connection")),
};
constexpr std::array kBearer{
    needed(field<&BearerAuth::token>("token", "Read again when the server refuses it")),
};
constexpr std::array kApiKey{
    field<&ApiKeyAuth::header>("header", "Its name"),
    needed(field<&ApiKeyAuth::key>("key", "Its value")),
};
constexpr std::array kOAuth2{
    needed(field<&O::token_url>("token_url", "https://HOST/PATH")),
    tls_field<&O::tls>("tls", "For token_url; else as the endpoint's"),
    needed(field<&O::client_id>("client_id", "Sent with the secret")),
    field<&O::client_secret>("client_secret", "Read for each fetch"),
    field<&O::client_secret, &Secret::file>("client_secret_file",
                                            "The same, as the path of a file"),
    field<&O::scope>("scope", "Of the token"),
};
constexpr std::array kWebhook{
    needed(field<&WebhookAuth::key>("key", "24 to 64 bytes, or whsec_ and base64")),
};

/// A kind of proof: one alternative of HttpsAuth.
template <typename Auth, const auto& kTable>
constexpr Field<HttpsAuth> proof(std::string_view name, std::string_view help) {
  return {
      .name = name,
      .help = help,
      .read =
          [](const wire::JsonNode& node, const Range& /*range*/, HttpsAuth& auth,
             Reading& reading) {
            if (!std::holds_alternative<std::monostate>(auth)) {
              return reading.complain(node, "there is another kind already");
            }
            read_object(node, kTable, auth.emplace<Auth>(), reading);
          },
      .explain = [](std::size_t indent, std::string& out) { explain_object(kTable, indent, out); }};
}

constexpr std::array kAuth{
    proof<BasicAuth, kBasic>("basic", "User and password (RFC 7617)"),
    proof<BearerAuth, kBearer>("bearer", "A token (RFC 6750)"),
    proof<ApiKeyAuth, kApiKey>("api_key", "A header of the service's own"),
    proof<OAuth2Auth, kOAuth2>("oauth2", "Client credentials (RFC 6749)"),
    proof<WebhookAuth, kWebhook>("webhook", "HMAC of each body (Standard Webhooks)"),
};

}  // namespace

void read_auth(const wire::JsonNode& node, HttpsAuth& out, Reading& reading) {
  read_object(node, kAuth, out, reading);
}

void explain_auth(std::size_t indent, std::string& out) { explain_object(kAuth, indent, out); }

Result<OAuth2Auth> read_oauth2(const std::string& path, const Environment& environment,
                               const Platform& platform) {
  constexpr std::size_t kBytesMax = 64 * 1024;
  const auto json = read_file(path, kBytesMax);
  if (!json) return json.status();
  const wire::JsonTree tree = wire::read_json_tree(*json);
  if (!tree.error.empty()) {
    return Status(Code::invalid_argument,
                  path + ":" + std::to_string(tree.error_line) + ": " + tree.error);
  }
  Reading reading{.environment = environment, .platform = platform};
  OAuth2Auth auth;
  read_object(tree.root, kOAuth2, auth, reading);
  std::string message;
  for (const std::string& line : reading.problems.lines())
    message.append(message.empty() ? "" : "; ").append(path).append(":").append(line);
  if (!message.empty()) return Status(Code::invalid_argument, message);
  return auth;
}

}  // namespace edgepost::cli
