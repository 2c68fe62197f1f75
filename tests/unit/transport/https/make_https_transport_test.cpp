#include <doctest.h>

#include "edgepost/https.hpp"

namespace edgepost {
namespace {

HttpsOptions plain() {
  HttpsOptions options;
  options.url = "http://127.0.0.1:9/in?key=secret";
  options.allow_plaintext = true;
  return options;
}

std::string error_of(const HttpsOptions& options) {
  const auto made = make_https_transport(options);
  CHECK((made.is_ok() || made.status().code() == Code::invalid_argument));
  return made.status().message();
}

template <typename T>
std::string error_with(T HttpsOptions::*option, T value) {
  HttpsOptions options = plain();
  options.*option = std::move(value);
  return error_of(options);
}

}  // namespace

TEST_CASE("make_https_transport: nothing is connected, and the address has no query [P-61]") {
  const auto made = make_https_transport(plain());
  REQUIRE(made.is_ok());
  CHECK((*made)->address() == "http://127.0.0.1:9/in");
  CHECK((*made)->traffic() == Traffic{});
}

TEST_CASE("make_https_transport: plaintext must be asked for by name") {
  CHECK(error_with(&HttpsOptions::allow_plaintext, false) ==
        "url: http:// is sent in clear; https://, or allow_plaintext");
  CHECK(error_with<std::string>(&HttpsOptions::url, "https://a/") == "url: https:// needs tls");
  OAuth2Auth oauth;
  oauth.token_url = "https://a/";
  oauth.client_id = "c";
  oauth.client_secret.value = "s";
  CHECK(error_with<HttpsAuth>(&HttpsOptions::auth, oauth) == "auth.token_url: https:// needs tls");
}

TEST_CASE("make_https_transport: options that can never work are refused by their names") {
  using std::chrono::seconds;
  CHECK(error_with<std::string>(&HttpsOptions::url, "http//") ==
        "url: byte 0: expected https://host[:port]/path");
  CHECK(error_with<Duration>(&HttpsOptions::connect_timeout, seconds(0)) ==
        "connect_timeout: from 100 ms to 30 s");
  CHECK(error_with<Duration>(&HttpsOptions::response_timeout, seconds(31)) ==
        "response_timeout: from 100 ms to 30 s");
  CHECK(error_with<Duration>(&HttpsOptions::total_timeout, seconds(31)) ==
        "total_timeout: from 100 ms to 30 s");
  CHECK(error_with<std::size_t>(&HttpsOptions::batch_events_max, 0) ==
        "batch_events_max: from 1 to 10,000");
  CHECK(error_with<std::size_t>(&HttpsOptions::request_bytes_max, 1) ==
        "request_bytes_max: from 1 KiB to 64 MiB");
  CHECK(error_with<std::size_t>(&HttpsOptions::response_bytes_max, 1) ==
        "response_bytes_max: from 1 KiB to 64 MiB");
  CHECK(error_with<std::vector<HttpHeader>>(&HttpsOptions::headers, {{"Host", "x"}}) ==
        "headers: Host is set by the transport");
  CHECK(error_with<std::string>(&HttpsOptions::device_id, "a(b)").starts_with("device_id: "));
  CHECK(error_with<HttpsAuth>(&HttpsOptions::auth, BearerAuth{}) == "auth.token: there is none");
  CHECK(error_with<std::optional<RequestTemplate>>(&HttpsOptions::request,
                                                   RequestTemplate{.method = "GET"})
            .starts_with("request.method"));
  HttpsOptions webhook = plain();
  webhook.auth = WebhookAuth{{.value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  CHECK(error_of(webhook).empty());
  webhook.gzip = true;
  CHECK(error_of(webhook).starts_with("gzip: "));
  HttpsOptions inbound = plain();
  inbound.inbound = HttpsInbound::long_poll;
  inbound.inbound_url = "ftp://x";
  CHECK(error_of(inbound).starts_with("inbound_url: byte 0"));
}

}  // namespace edgepost
