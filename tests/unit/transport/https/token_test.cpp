#include "transport/https/token.hpp"

#include <doctest.h>

namespace edgepost::https {
namespace {

using enum AnswerClass;

TokenReply read(int status, std::string body, std::string type = "application/json") {
  Reply reply;
  reply.status = status;
  reply.is_whole = reply.was_sent = true;
  reply.headers = {{"Content-Type", std::move(type)}};
  reply.body = std::move(body);
  return read_token_reply(reply, Timestamp{});
}

}  // namespace

TEST_CASE("token: is asked for as RFC 6749 has it") {
  OAuth2Auth options;
  options.client_id = "gw 1";
  options.scope = "events.write more";
  const Request request = token_request(options, "p:w");
  CHECK(request.body == "grant_type=client_credentials&scope=events.write%20more");
  CHECK(request.headers.front().value == "Basic Z3clMjAxOnAlM0F3");  // gw%201:p%3Aw
}

TEST_CASE("token: has a life, an hour where nothing is said") {
  const TokenReply reply =
      read(200, R"({"access_token":"abc","token_type":"bearer","expires_in":300})");
  CHECK(reply.failure.meaning == acknowledged);
  CHECK(reply.token.value == "abc");
  CHECK(reply.token.good_for == std::chrono::minutes(5));
  CHECK(read(200, R"({"access_token":"a","token_type":"Bearer"})").token.good_for ==
        std::chrono::hours(1));
  CHECK(
      read(200, R"({"access_token":"a","token_type":"Bearer","expires_in":9e99})").token.good_for ==
      std::chrono::seconds(9));
  CHECK(read(200, R"({"access_token":"a","token_type":"Bearer","expires_in":99999999})")
            .token.good_for == std::chrono::hours(24));
}

TEST_CASE("token: a refusal is one of credentials, by its code alone [P-61]") {
  const TokenReply refused =
      read(401, R"({"error":"invalid_client","error_description":"secret s3cret is wrong"})");
  CHECK(refused.failure.meaning == credentials);
  CHECK(refused.failure.reason == "token: HTTP 401 invalid_client");
  CHECK(read(400, R"({"error":"Secret s3cret"})").failure.reason == "token: HTTP 400");
  CHECK(read(400, "").failure.meaning == credentials);
}

TEST_CASE("token: what is no token is none [P-33]") {
  CHECK(read(503, "").failure.meaning == link_down);
  CHECK(read(404, "").failure.meaning == configuration);
  CHECK(read(302, "").failure.meaning == configuration);
  CHECK(read(200, "<html>", "text/html").failure.meaning == link_down);
  CHECK(read(200, "[]").failure.meaning == link_down);
  CHECK(read(200, R"({"token_type":"Bearer"})").failure.meaning == link_down);
  CHECK(read(200, R"({"access_token":"a\nb","token_type":"Bearer"})").failure.meaning == link_down);
  CHECK(read(200, R"({"access_token":"a","token_type":"mac"})").failure.meaning == configuration);
}

}  // namespace edgepost::https
