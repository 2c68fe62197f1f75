#include <doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "platform/descriptor.hpp"
#include "support/fake_clock.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {
namespace {

/// A service that takes the last token it has given, and only that one.
class GuardedService {
 public:
  explicit GuardedService(int life_seconds = 300)
      : server_([this, life_seconds](const HttpRequest& request) {
          if (request.target == "/token") return give_token(request, life_seconds);
          const bool is_good = request.header("Authorization") == "Bearer t" + last();
          return HttpResponse{.status = is_good ? 204 : 401};
        }) {}

  [[nodiscard]] HttpsOptions options() const {
    HttpsOptions options = https_options(server_.url());
    OAuth2Auth oauth;
    oauth.token_url = server_.url("/token");
    oauth.client_id = "gw-1";
    oauth.client_secret.value = "s3cret";
    oauth.scope = "events";
    options.auth = oauth;
    return options;
  }

  void revoke() { ++revoked_; }
  void refuse_tokens() { refuses_ = true; }
  [[nodiscard]] int given() const { return given_; }
  HttpServer& server() { return server_; }

 private:
  [[nodiscard]] std::string last() const { return std::to_string(given_ + 1000 * revoked_); }

  HttpResponse give_token(const HttpRequest& request, int life_seconds) {
    if (refuses_ || request.header("Authorization") != "Basic Z3ctMTpzM2NyZXQ=") {
      return {.status = 401,
              .body = R"({"error":"invalid_client","error_description":"s3cret?"})",
              .content_type = "application/json"};
    }
    revoked_ = 0;
    ++given_;
    return {.status = 200,
            .body = R"({"access_token":"t)" + last() + R"(","token_type":"Bearer","expires_in":)" +
                    std::to_string(life_seconds) + "}",
            .content_type = "application/json"};
  }

  std::atomic<int> given_{0};
  std::atomic<int> revoked_{0};
  std::atomic<bool> refuses_{false};
  HttpServer server_;
};

/// Sends one event and returns its answer.
Answer send_one(TransportDriver& driver, std::uint64_t token) {
  driver.send(token, numbered_events(1));
  return driver.wait_for_answer(token);
}

std::size_t calls_of(const TransportDriver& driver, std::string_view what) {
  std::size_t count = 0;
  for (const Call& call : driver.calls)
    count += call.what == what ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("https: a token is fetched before the first request, and kept for the others") {
  GuardedService service;
  TransportDriver driver(https_transport(service.options()));
  driver.connect();
  CHECK(service.given() == 1);
  for (std::uint64_t token = 1; token <= 3; ++token)
    CHECK(send_one(driver, token).meaning == AnswerClass::acknowledged);
  CHECK(service.given() == 1);
  CHECK(calls_of(driver, "token") == 1);
  CHECK(driver.calls.front().is_ok);
  const HttpRequest request = service.server().requests().front();
  CHECK(request.body == "grant_type=client_credentials&scope=events");
}

TEST_CASE("https: a token is fetched anew after 80 % of its life") {
  GuardedService service(100);
  FakeClock clock;
  Platform platform;
  platform.clock = &clock;
  auto made = make_https_transport(service.options(), platform);
  REQUIRE(made.is_ok());
  TransportDriver driver(std::move(*made));
  driver.connect();
  clock.advance(std::chrono::seconds(79));
  CHECK(send_one(driver, 1).meaning == AnswerClass::acknowledged);
  CHECK(service.given() == 1);
  clock.advance(std::chrono::seconds(2));
  CHECK(send_one(driver, 2).meaning == AnswerClass::acknowledged);
  CHECK(service.given() == 2);
}

TEST_CASE("https: after a 401 the next connection has another token") {
  GuardedService service;
  TransportDriver driver(https_transport(service.options()));
  driver.connect();
  service.revoke();
  const Answer answer = send_one(driver, 1);
  CHECK(answer.meaning == AnswerClass::credentials);
  CHECK(answer.reason == "HTTP 401 Unauthorized");
  driver.connect();
  CHECK(service.given() == 2);
  CHECK(send_one(driver, 2).meaning == AnswerClass::acknowledged);
}

TEST_CASE("https: after a poll's 401 the next connection has another token, too") {
  GuardedService service;
  HttpsOptions options = service.options();
  options.inbound = HttpsInbound::long_poll;
  TransportDriver driver(https_transport(options));
  driver.connect();
  service.revoke();
  CHECK(driver.wait_for_end().meaning == AnswerClass::credentials);
  driver.connect();
  CHECK(service.given() == 2);
  const std::size_t polls = calls_of(driver, "poll");
  CHECK(driver.poll_until([&] { return calls_of(driver, "poll") > polls; }));
  CHECK(driver.calls.back().is_ok);
}

TEST_CASE("https: a token that is refused names the code and nothing else [P-61]") {
  GuardedService service;
  service.refuse_tokens();
  TransportDriver driver(https_transport(service.options()));
  const Answer answer = driver.fail_to_connect();
  CHECK(answer.meaning == AnswerClass::credentials);
  CHECK(answer.reason == service.server().url() + ": token: HTTP 401 invalid_client");
  REQUIRE(calls_of(driver, "token") == 1);
  CHECK(driver.calls.front().detail == "token: HTTP 401 invalid_client");
}

TEST_CASE("https: a token's server that is away is a link that is down") {
  GuardedService service;
  HttpsOptions options = service.options();
  std::get<OAuth2Auth>(options.auth).token_url = "http://127.0.0.1:9/token";
  TransportDriver driver(https_transport(options));
  const Answer answer = driver.fail_to_connect();
  CHECK(answer.meaning == AnswerClass::link_down);
  CHECK(answer.reason.find("token: ") != std::string::npos);
  CHECK(service.server().requests().empty());
}

TEST_CASE("https: a bearer token in a file is read again for the next connection") {
  const TempDir directory;
  write_file(directory.file("token"), "old");
  HttpServer server([](const HttpRequest& request) {
    return HttpResponse{.status = request.header("Authorization") == "Bearer new" ? 204 : 403};
  });
  HttpsOptions options = https_options(server.url());
  options.auth = BearerAuth{{.file = directory.file("token")}};
  TransportDriver driver(https_transport(options));
  driver.connect();
  CHECK(send_one(driver, 1).meaning == AnswerClass::credentials);
  write_file(directory.file("token"), "new");
  driver.connect();
  CHECK(send_one(driver, 2).meaning == AnswerClass::acknowledged);
}

TEST_CASE("https: a secret that cannot be read is told, without a connection") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = https_options(server.url());
  options.auth = BearerAuth{{.file = "/nonexistent/token"}};
  TransportDriver driver(https_transport(options));
  const Answer answer = driver.fail_to_connect();
  CHECK(answer.meaning == AnswerClass::link_down);
  CHECK(answer.reason.find("/nonexistent/token") != std::string::npos);
}

TEST_CASE("https: a webhook is signed over the very body that is sent") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = https_options(server.url());
  options.auth = WebhookAuth{{.value = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}};
  TransportDriver driver(https_transport(options));
  driver.connect();
  CHECK(send_one(driver, 1).meaning == AnswerClass::acknowledged);
  const HttpRequest request = server.requests().front();
  CHECK(request.header("webhook-id") == request.header("Idempotency-Key"));
  CHECK(request.header("webhook-signature").starts_with("v1,"));
  CHECK(request.header("webhook-timestamp").size() == 10);
}

TEST_CASE("https: bytes to a token endpoint that is left alone are on their way no more [P-32]") {
  // Of the request it takes no more than its smallest buffer holds.
  int port = 0;
  const Descriptor deaf(listen_on_loopback(8, port));
  const int smallest = 1;
  setsockopt(deaf.number(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof(smallest));
  HttpsOptions options = https_options("http://127.0.0.1:9/");
  OAuth2Auth oauth;
  oauth.token_url = "http://127.0.0.1:" + std::to_string(port) + "/token";
  oauth.client_id = "gw-1";
  oauth.client_secret.value = std::string(1'000, 's');
  oauth.scope = std::string(1'000, 'x');
  options.auth = oauth;
  TransportDriver driver(https_transport(options));
  REQUIRE(driver.transport().connect().is_ok());
  const auto is_on_its_way = [&] {
    return driver.transport().traffic().progress < driver.transport().traffic().sent;
  };
  REQUIRE(driver.poll_until(is_on_its_way));
  driver.transport().disconnect();
  CHECK_FALSE(is_on_its_way());
}

}  // namespace edgepost::test
