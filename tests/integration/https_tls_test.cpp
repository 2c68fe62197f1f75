#include <doctest.h>

#include <string>

#include "edgepost/https.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"
#include "support/nginx.hpp"
#include "support/pki.hpp"

namespace edgepost::test {
namespace {

/// A service behind nginx, with certificates made once for the program.
struct Fixture {
  explicit Fixture(const std::string& settings = {})
      : server([](const HttpRequest&) { return HttpResponse{.status = 204}; }),
        nginx(server.url(""), "ssl_certificate " + pki().certificate("server") +
                                  "; ssl_certificate_key " + pki().key("server") + ";\n" +
                                  settings) {}

  static Pki& pki() {
    static Pki& made = []() -> Pki& {
      static Pki all;
      all.make_authority("root");
      all.make_authority("stranger");
      all.make("server", {.issuer = "root", .names = "IP:127.0.0.1"});
      all.make("client", {.issuer = "root", .names = ""});
      return all;
    }();
    return made;
  }

  /// Trusts `root`, and shows a certificate if there is one.
  HttpsOptions options(const std::string& root = "root", const std::string& certificate = {}) {
    TlsOptions trust;
    trust.ca_file = pki().certificate(root);
    if (!certificate.empty()) {
      trust.certificate_file = pki().certificate(certificate);
      trust.key_file = pki().key(certificate);
    }
    auto tls = make_tls(trust);
    REQUIRE_MESSAGE(tls.is_ok(), tls.status().message());
    HttpsOptions options;
    options.url = nginx.url();
    options.tls = *tls;
    return options;
  }

  HttpServer server;
  Nginx nginx;
};

Answer answer_to(TransportDriver& driver, std::uint64_t token, const Event& event) {
  driver.send(token, event);
  return driver.wait_for_answer(token);
}

}  // namespace

TEST_CASE("https: events arrive over TLS 1.3, through nginx [P-60]") {
  Fixture fixture;
  TransportDriver driver(https_transport(fixture.options()));
  driver.connect();
  driver.send(1, numbered_events(100));
  CHECK(driver.wait_for_answer(100).meaning == AnswerClass::acknowledged);
  CHECK(fixture.server.ids() == ids_of(numbered_events(100)));
}

TEST_CASE("https: a server that cannot be verified is never sent anything, at any try [P-33]") {
  Fixture fixture;
  TransportDriver driver(https_transport(fixture.options("stranger")));
  for (int attempt = 0; attempt < 2; ++attempt) {
    const Answer answer = driver.fail_to_connect();
    CHECK(answer.meaning != AnswerClass::acknowledged);
    CHECK_FALSE(answer.is_unreachable);
    CAPTURE(answer.reason);
    CHECK(answer.reason.starts_with(fixture.nginx.url() + ": "));
  }
  CHECK(fixture.server.requests().empty());
}

TEST_CASE("https: a client certificate opens a door that is shut without it") {
  Fixture fixture("ssl_client_certificate " + Fixture::pki().certificate("root") +
                  "; ssl_verify_client on;");
  TransportDriver known(https_transport(fixture.options("root", "client")));
  known.connect();
  CHECK(answer_to(known, 1, published_event()).meaning == AnswerClass::acknowledged);
  TransportDriver unknown(https_transport(fixture.options()));
  unknown.connect();
  CHECK(answer_to(unknown, 1, published_event()).reason == "HTTP 400 Bad Request");
  CHECK(fixture.server.requests().size() == 1);
}

TEST_CASE("https: nginx's limits and time limits are understood") {
  Fixture fixture("client_max_body_size 16k; keepalive_requests 2;");
  TransportDriver driver(https_transport(fixture.options()));
  driver.connect();
  for (std::uint64_t token = 1; token <= 5; ++token) {
    CHECK(answer_to(driver, token, published_event()).meaning == AnswerClass::acknowledged);
  }
  const Event large = published_event("a", std::string(100'000, 'x'));
  CHECK(answer_to(driver, 6, large).meaning == AnswerClass::too_large);
  CHECK(answer_to(driver, 7, published_event()).meaning == AnswerClass::acknowledged);
}

}  // namespace edgepost::test
