#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/secret.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "edgepost/tls.hpp"
#include "edgepost/transport.hpp"

namespace edgepost {

/// How events stand in a request (CloudEvents 1.0, HTTP protocol binding).
enum class HttpsMode : unsigned char {
  batch,       ///< Many in one POST: `application/cloudevents-batch+json`.
  structured,  ///< One in each POST: `application/cloudevents+json`.
  binary,      ///< One in each POST: attributes as `ce-` headers, data as the body.
};

/// RFC 7617.
struct BasicAuth {
  std::string user{};  ///< Without `:`.
  Secret password{};   ///< UTF-8.
};

/// RFC 6750.
struct BearerAuth {
  Secret token{};  ///< Read again when the server refuses it.
};

/// A header whose value is the key.
struct ApiKeyAuth {
  std::string header = "X-Api-Key";  ///< Name of the header.
  Secret key{};                      ///< Its value.
};

/// OAuth 2.0 client credentials (RFC 6749, section 4.4). The token lives in memory only, is fetched
/// anew after 80 % of its life, by one request however many wait for it, and once after a 401.
struct OAuth2Auth {
  std::string token_url{};     ///< `https://…`; `http://…` only with allow_plaintext.
  std::shared_ptr<Tls> tls{};  ///< For token_url; null: as the upstream's.
  std::string client_id{};     ///< Sent with the secret by HTTP Basic (section 2.3.1).
  Secret client_secret{};      ///< Read for each fetch.
  std::string scope{};         ///< Section 3.3; empty: none.
};

/// Standard Webhooks v1: `webhook-id`, `webhook-timestamp` and `webhook-signature` by HMAC-SHA256.
struct WebhookAuth {
  Secret key{};  ///< As `whsec_` and base64, or the bytes themselves; 24 to 64 bytes.
};

/// How a request proves who sends it. A client certificate (mTLS) is part of `tls`.
using HttpsAuth =
    std::variant<std::monostate, BasicAuth, BearerAuth, ApiKeyAuth, OAuth2Auth, WebhookAuth>;

/// One more header of each request.
struct HttpHeader {
  std::string name{};   ///< A token (RFC 9110, section 5.6.2).
  std::string value{};  ///< In a template, `{fields}` are replaced.
};

/// A request of the user's own shape, one event in each, instead of a mode: reaches REST services
/// that know no CloudEvents. In path, headers and body stand `{id}`, `{topic}`, `{key}`, `{type}`,
/// `{source}`, `{time}`, `{data}`, `{device_id}`, `{sequence}` and `{attribute:NAME}`; `{{` and
/// `}}` are braces. Values are escaped for where they stand: percent-encoded in the path, as JSON
/// string content in a JSON body (`{data}` stands bare there when it is JSON itself).
struct RequestTemplate {
  std::string method = "POST";                    ///< POST, PUT or PATCH.
  std::string path{};                             ///< Behind the URL's own; may be empty.
  std::string content_type = "application/json";  ///< Of the body.
  std::string body = "{data}";                    ///< See above.
  std::vector<HttpHeader> headers{};              ///< See above.
  /// Where the answer (JSON) has the id that the service gave the event: member names with dots
  /// between. It is in the audit; an answer without it is no acknowledgement. Empty: not looked at.
  std::string response_field{};
};

/// How events come in.
enum class HttpsInbound : unsigned char {
  none,
  /// `GET inbound_url?cursor=…`, which the server may hold open: 200 with a CloudEvents batch and
  /// the header `Edgepost-Cursor`, or 204 for nothing. The cursor (printable ASCII) is
  /// stored with the events. A poll that fails ends the link, as a failed POST does.
  long_poll,
  /// Server-sent events (WHATWG HTML, section 9.2): `data` is a structured CloudEvent, `id` the
  /// cursor, sent as `Last-Event-ID` on reconnecting.
  events,
};

/// One HTTPS endpoint.
struct HttpsOptions {
  /// `https://host[:port]/path`, or `http://…` with allow_plaintext. No user name, no fragment.
  std::string url{};
  std::shared_ptr<Tls> tls{};    ///< For https://; see make_tls().
  bool allow_plaintext = false;  ///< Let `http://` be; everyone on the way can read and change it.
  HttpsMode mode = HttpsMode::batch;         ///< See HttpsMode.
  std::optional<RequestTemplate> request{};  ///< Instead of a mode.
  HttpsAuth auth{};                          ///< See HttpsAuth.
  std::vector<HttpHeader> headers{};         ///< Of each request; none that we set ourselves.
  std::string device_id{};                   ///< For `User-Agent`, and `{device_id}`.
  /// Content-Encoding: gzip for bodies above 512 bytes that get smaller. Not with WebhookAuth.
  bool gzip = false;
  std::size_t batch_events_max = 1'000;                 ///< In one request, at most; 1 to 10,000.
  std::size_t request_bytes_max = 1024 * 1024;          ///< Of a body before compression.
  std::size_t response_bytes_max = 1024 * 1024;         ///< A longer answer is no answer.
  Duration connect_timeout = std::chrono::seconds(10);  ///< For TCP and TLS.
  /// Without a byte of the answer. CircuitBreaker::trip_after of the uplink (5 s) comes before it:
  /// for a service that thinks longer, raise that as well.
  Duration response_timeout = std::chrono::seconds(20);
  Duration total_timeout = std::chrono::seconds(30);  ///< For one request; at most 30 s.
  HttpsInbound inbound = HttpsInbound::none;          ///< See HttpsInbound.
  std::string inbound_url{};                          ///< Same scheme; empty: `url`.
};

/// Makes a transport to one HTTPS endpoint (HTTP/1.1, keep-alive), on cpp-httplib over the TLS
/// channel, part edgepost::https. Each POST has an `Idempotency-Key` that is the same whenever the
/// same events are sent again. What answers mean is one table (src/transport/https/answers.cpp):
/// only a 2xx of the expected shape acknowledges; it may list what was taken and what was not,
/// `{"accepted":["id",…],"rejected":[{"id":…,"reason":…}]}` (docs/wire.md); a 2xx that is an HTML
/// page is a captive portal. Redirects are never followed. Nothing is connected yet.
/// Errors: invalid_argument, naming option and position: malformed URL, https:// without `tls`,
/// http:// without allow_plaintext, header, template or authenticator malformed, a secret over
/// http:// (unless allow_plaintext); io_error: no thread or descriptor to be had.
Result<std::unique_ptr<Transport>> make_https_transport(const HttpsOptions& options,
                                                        const Platform& platform = {});

}  // namespace edgepost
