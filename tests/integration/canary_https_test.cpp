// The same for what HTTPS and TLS are given. The server repeats whatever it was sent, everywhere.
#include <doctest.h>

#include <string>
#include <utility>

#include "edgepost/https.hpp"
#include "edgepost/tls.hpp"
#include "support/canary.hpp"
#include "support/http_server.hpp"

namespace edgepost::test {
namespace {

/// Everything of a request, in one line.
std::string all_of(const HttpRequest& request) {
  std::string text = request.method + " " + request.target;
  for (const HttpHeader& header : request.headers)
    text += " " + header.name + ": " + header.value;
  return text + " " + request.body;
}

/// Refuses, with the request in the reason, in the headers and in the body.
struct Parrot {
  explicit Parrot(std::string status)
      : server([status = std::move(status)](const HttpRequest& request, int) {
          const std::string echo = all_of(request);
          return RawHttpServer::Reply{"HTTP/1.1 " + status + " " + echo.substr(0, 300) +
                                          "\r\nWWW-Authenticate: Bearer error_description=\"" +
                                          echo.substr(0, 300) + "\"\r\nLocation: http://h/" + echo +
                                          "\r\nContent-Type: application/json\r\nContent-Length: " +
                                          std::to_string(echo.size()) + "\r\n\r\n" + echo,
                                      RawHttpServer::Then::close};
        }) {}
  RawHttpServer server;
};

struct HttpsCanaryFixture {
  /// An uplink to a server that refuses with `status`, stepped until it has been refused.
  void run(const std::string& status, const HttpsAuth& auth) {
    Parrot parrot(status);
    HttpsOptions https;
    https.url = parrot.server.url("/events?sig=" + canaries.hatch("query"));
    https.allow_plaintext = true;
    https.auth = auth;
    https.headers = {{"X-Tenant", canaries.hatch("header")}};
    if (auto* oauth = std::get_if<OAuth2Auth>(&https.auth)) oauth->token_url = parrot.server.url();
    auto transport = make_https_transport(https, watched.options.platform);
    watched.saw(transport.status());
    REQUIRE_MESSAGE(transport.is_ok(), transport.status().message());
    UplinkOptions uplink{.name = "cloud", .streams = {"outbox"}, .max_deliver = 1};
    uplink.retry.initial_delay = std::chrono::milliseconds(1);
    REQUIRE(watched.gateway->add_uplink(uplink, std::move(*transport)).is_ok());
    REQUIRE(watched.gateway->publish({.topic = "sensor/1", .data = "21.5"}).is_ok());
    REQUIRE(
        watched.step_until([](const UplinkStatus& cloud) { return !cloud.last_error.empty(); }));
    CHECK_FALSE(parrot.server.requests().empty());
    watched.check_silent(canaries);
  }

  Canaries canaries;
  WatchedGateway watched;
};

}  // namespace

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: a token that is refused is seen nowhere [P-61]") {
  BearerAuth auth;
  auth.token.value = canaries.hatch("token");
  run("401", auth);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: a password over HTTP is seen nowhere [P-61]") {
  BasicAuth auth{.user = "joe"};
  auth.password.value = canaries.hatch("basic");
  run("403", auth);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: an API key is seen nowhere [P-61]") {
  ApiKeyAuth auth;
  auth.key.value = canaries.hatch("key");

  run("302", auth);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: a client secret is seen nowhere [P-61]") {
  OAuth2Auth auth{.client_id = "gw-1"};
  auth.client_secret.value = canaries.hatch("secret");
  run("401", auth);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: a webhook's key is seen nowhere [P-61]") {
  WebhookAuth auth;
  auth.key.value = canaries.hatch("a webhook key of some length");
  run("400", auth);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: HTTPS options that are refused show none [P-61]") {
  const std::string secret = canaries.hatch("options");
  const auto refused = [&](const auto& change) {
    HttpsOptions https;
    https.url = "http://127.0.0.1/";
    https.allow_plaintext = true;
    change(https);
    const Status status = make_https_transport(https, watched.options.platform).status();
    CHECK(status.code() == Code::invalid_argument);
    watched.saw(status);
  };
  refused([&](HttpsOptions& https) { https.url = "http://joe:" + secret + "@h/"; });
  refused([&](HttpsOptions& https) { https.url = "http://h/?key=" + secret + "#x"; });
  refused([&](HttpsOptions& https) { https.headers = {{"X-Key", secret + "\n"}}; });
  refused([&](HttpsOptions& https) { https.headers = {{"X Key", secret}}; });
  refused(
      [&](HttpsOptions& https) { https.auth = BasicAuth{.user = "a:b", .password = {secret}}; });
  refused([&](HttpsOptions& https) { https.auth = WebhookAuth{{.value = "whsec_" + secret}}; });
  refused([&](HttpsOptions& https) {
    https.allow_plaintext = false;
    https.auth = BearerAuth{{.value = secret}};
  });
  refused([&](HttpsOptions& https) {
    https.auth = OAuth2Auth{.token_url = "http://" + secret + "@h/", .client_id = "a"};
  });
  watched.check_silent(canaries);
}

TEST_CASE_FIXTURE(HttpsCanaryFixture, "canary: TLS options that are refused show none [P-61]") {
  const std::string secret = canaries.hatch("tls");
  const std::string file = watched.dir.file("secret.pem");
  write_file(file, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + secret +
                       "\n-----END ENCRYPTED PRIVATE KEY-----\n");
  const auto refused = [&](const auto& change) {
    TlsOptions tls;
    change(tls);
    const Status status = make_tls(tls, watched.options.platform).status();
    CHECK_FALSE(status.is_ok());
    watched.saw(status);
  };
  refused([&](TlsOptions& tls) { tls.ca_file = file; });
  refused([&](TlsOptions& tls) {
    tls.ca_file = file;
    tls.certificate_file = file;
    tls.key_file = file;
    tls.key_password.value = secret;
  });
  refused([&](TlsOptions& tls) {
    tls.psk_identity = "gw-1";
    tls.psk.file = file;
  });
  refused([&](TlsOptions& tls) { tls.psk.value = secret; });
  refused([&](TlsOptions& tls) {
    tls.psk_identity = "gw-1";
    tls.psk.value = secret + std::string(64, 'x');
  });
  watched.check_silent(canaries);
}

}  // namespace edgepost::test
