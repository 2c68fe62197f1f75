#include "transport/https/authenticator.hpp"

#include <doctest.h>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::https {
namespace {

Secret secret(std::string value) { return {.value = std::move(value)}; }

std::string error_of(HttpsAuth auth) { return Authenticator(std::move(auth)).check().message(); }

/// The header that proves a request with this body.
std::string header_of(HttpsAuth auth, std::string_view name) {
  Authenticator authenticator(std::move(auth));
  REQUIRE(authenticator.check().is_ok());
  REQUIRE(authenticator.refresh().is_ok());
  Request request;
  request.body = R"({"test": 2432232314})";
  authenticator.sign(request, "msg_p5jXN8AQM9LWM0D4loKWxJek",
                     Timestamp(std::chrono::seconds(1614265330)));
  Reply reply;
  reply.headers = request.headers;
  return std::string(reply.header(name));
}

}  // namespace

TEST_CASE("authenticator: basic, bearer and API key stand in their headers") {
  CHECK(header_of(BasicAuth{"Aladdin", secret("open sesame")}, "Authorization") ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(header_of(BearerAuth{secret("t.0-k")}, "Authorization") == "Bearer t.0-k");
  CHECK(header_of(ApiKeyAuth{"X-Key", secret("k")}, "X-Key") == "k");
  CHECK(header_of(std::monostate(), "Authorization") == "");
}

TEST_CASE("authenticator: webhooks are signed as Standard Webhooks has it") {
  // The example of the specification's reference libraries.
  const WebhookAuth auth{secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")};
  CHECK(header_of(auth, "webhook-signature") == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  CHECK(header_of(auth, "webhook-id") == "msg_p5jXN8AQM9LWM0D4loKWxJek");
  CHECK(header_of(auth, "webhook-timestamp") == "1614265330");
}

TEST_CASE("authenticator: a secret is read again for each connection") {
  const test::TempDir directory;
  const std::string path = directory.file("token");
  test::write_file(path, "first\n");
  Authenticator authenticator(BearerAuth{{.file = path}});
  REQUIRE(authenticator.refresh().is_ok());
  test::write_file(path, "second\n");
  REQUIRE(authenticator.refresh().is_ok());
  Request request;
  authenticator.sign(request, "", Timestamp{});
  CHECK(request.headers.front().value == "Bearer second");
}

TEST_CASE("authenticator: what can never work is refused by its option [P-61]") {
  CHECK(error_of(BasicAuth{"a:b", secret("x")}) == "auth.user: ':' in it");
  CHECK(error_of(BasicAuth{"a", {}}) == "auth.password: there is none");
  CHECK(error_of(BearerAuth{{.value = "a", .file = "b"}}) ==
        "auth.token: value, file or source, and only one of them");
  CHECK(error_of(ApiKeyAuth{"Host", secret("k")}) == "auth.header: Host is set by the transport");
  CHECK(error_of(ApiKeyAuth{"Authorization", secret("k")}) == "");
  CHECK(error_of(ApiKeyAuth{"a b", secret("k")}).starts_with("auth.header: the name of a header"));
  CHECK(error_of(WebhookAuth{secret("short")}) == "auth.key: a key of webhooks has 24 to 64 bytes");
  CHECK(error_of(WebhookAuth{secret("whsec_?")}) == "auth.key: malformed base64 behind whsec_");
  OAuth2Auth oauth;
  oauth.token_url = "nowhere";
  CHECK(error_of(oauth).starts_with("auth.token_url: byte 0"));
  oauth.token_url = "https://id.example/token";
  CHECK(error_of(oauth) == "auth.client_id: it is empty");
  oauth.client_id = "c";
  CHECK(error_of(oauth) == "auth.client_secret: there is none");
}

TEST_CASE("authenticator: a secret that the server repeats is struck out [P-61]") {
  const auto concealed = [](HttpsAuth auth, std::string text) {
    Authenticator authenticator(std::move(auth));
    REQUIRE(authenticator.refresh().is_ok());
    authenticator.conceal(text);
    return text;
  };
  CHECK(concealed(BearerAuth{secret("t0k")}, "t0k may not, t0k!") == "* may not, *!");
  CHECK(concealed(ApiKeyAuth{"X-Key", secret("k3y")}, "key k3y") == "key *");
  CHECK(concealed(BasicAuth{"a", secret("b")}, "Basic YTpi") == "Basic *");
  CHECK(concealed(std::monostate(), "all well") == "all well");
}

TEST_CASE("authenticator: a secret that would break the header is not sent [P-62]") {
  Authenticator broken(BearerAuth{secret("a\r\nX: y")});
  const Status status = broken.refresh();
  CHECK(status.code() == Code::refused);
  CHECK(status.message() == "the secret has characters that no header can have");
  Authenticator missing(BearerAuth{{.file = "/nonexistent/token"}});
  CHECK(missing.refresh().code() == Code::io_error);
}

}  // namespace edgepost::https
