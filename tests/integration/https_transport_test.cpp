#include <doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"
#include "support/tcp_peer.hpp"

namespace edgepost::test {
namespace {

HttpResponse with_status(int status) {
  HttpResponse response;
  response.status = status;
  return response;
}

HttpResponse json(int status, std::string body) {
  return {.status = status, .body = std::move(body), .content_type = "application/json"};
}

}  // namespace

TEST_CASE("https: a batch goes out as one request, and each of its events is acknowledged") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  TransportDriver driver(https_transport(server.url("/in?tenant=a%20b")));
  driver.connect();
  CHECK(driver.accepted.front().batch_events_max == 1'000);
  const std::vector<Event> events = numbered_events(3);
  driver.send(7, events);
  for (std::uint64_t token = 7; token < 10; ++token)
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
  const std::vector<HttpRequest> requests = server.requests();
  REQUIRE(requests.size() == 1);
  CHECK(requests[0].method == "POST");
  CHECK(requests[0].target.starts_with("/in?tenant=a"));
  CHECK(requests[0].header("Content-Type") == "application/cloudevents-batch+json; charset=utf-8");
  CHECK(requests[0].header("User-Agent") == "edgepost/" EDGEPOST_VERSION " (gw-1)");
  CHECK(requests[0].header("Host").starts_with("127.0.0.1:"));
  CHECK(requests[0].count("Host") == 1);
  CHECK(requests[0].count("Content-Length") == 1);
  CHECK(server.ids() == ids_of(events));
  CHECK(driver.transport().traffic().sent > requests[0].body.size());
  CHECK(driver.transport().address() == server.url("/in"));
}

TEST_CASE("https: the connection is kept for the next request") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  const std::uint64_t before = driver.transport().traffic().sent;
  for (std::uint64_t token = 1; token <= 20; ++token) {
    driver.send(token, numbered_events(1));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
  }
  CHECK(server.requests().size() == 20);
  CHECK(driver.transport().traffic().sent > before);
  CHECK(driver.accepted.size() == 1);
}

TEST_CASE("https: an event in binary mode is headers and the data itself") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = https_options(server.url());
  options.mode = HttpsMode::binary;
  TransportDriver driver(https_transport(options));
  driver.connect();
  CHECK(driver.accepted.front().batch_events_max == 1);
  Event event = published_event("plant/p\u00fcmpe", std::string("\0\r\n\xff", 4));
  event.content_type = "application/octet-stream";
  driver.send(1, event);
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const HttpRequest request = server.requests().front();
  CHECK(request.body == event.data);
  CHECK(request.header("Content-Type") == "application/octet-stream");
  CHECK(request.header("ce-subject") == event.topic);  // the server's library has decoded it
  CHECK(request.header("ce-specversion") == "1.0");
  CHECK(request.header("Idempotency-Key") == event.id.to_string());
}

TEST_CASE("https: an event in structured mode is one JSON object") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = https_options(server.url());
  options.mode = HttpsMode::structured;
  TransportDriver driver(https_transport(options));
  driver.connect();
  driver.send(1, published_event());
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const HttpRequest request = server.requests().front();
  CHECK(request.header("Content-Type") == "application/cloudevents+json; charset=utf-8");
  CHECK(request.body.starts_with(R"({"specversion":"1.0","id":)"));
}

TEST_CASE("https: a template makes the request a service wants, and reads its answer") {
  HttpServer server([](const HttpRequest&) { return json(201, R"({"data":{"id":4711}})"); });
  HttpsOptions options = https_options(server.url("/api/"));
  RequestTemplate request;
  request.method = "PUT";
  request.path = "/things/{device_id}/{topic}";
  request.body = R"({{"value":"{data}","at":"{id}"}})";
  request.headers = {{"X-Topic", "t {topic}"}};
  request.response_field = "data.id";
  options.request = request;
  TransportDriver driver(https_transport(options));
  driver.connect();
  const Event event = published_event("a/b c", "\"21\"\n");
  driver.send(1, event);
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const HttpRequest seen = server.requests().front();
  CHECK(seen.method == "PUT");
  CHECK(seen.target == "/api/things/gw-1/a%2Fb%20c");
  CHECK(seen.body == R"({"value":"\"21\"\n","at":")" + event.id.to_string() + R"("})");
  CHECK(seen.header("X-Topic") == "t a/b c");  // the server's library has decoded it
  REQUIRE(driver.calls.size() == 1);
  CHECK(driver.calls[0].what == "request");
  CHECK(driver.calls[0].detail == "data.id: 4711");
}

TEST_CASE("https: the same events have the same key however often they are sent [P-12]") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(2));
  driver.wait_for_answer(2);
  driver.send(3, numbered_events(2));
  driver.wait_for_answer(4);
  driver.send(5, numbered_events(3));
  driver.wait_for_answer(7);
  const std::vector<HttpRequest> requests = server.requests();
  REQUIRE(requests.size() == 3);
  const std::string key = requests[0].header("Idempotency-Key");
  CHECK(key.size() == 64);
  CHECK(requests[1].header("Idempotency-Key") == key);
  CHECK(requests[2].header("Idempotency-Key") != key);
}

TEST_CASE("https: each answer has its meaning") {
  struct Case {
    HttpResponse response;
    AnswerClass meaning;
  };
  const std::vector<Case> cases = {
      {with_status(204), AnswerClass::acknowledged},
      {with_status(302), AnswerClass::configuration},
      {with_status(400), AnswerClass::suspect},
      {with_status(401), AnswerClass::credentials},
      {with_status(404), AnswerClass::configuration},
      {with_status(408), AnswerClass::link_down},
      {with_status(409), AnswerClass::conflict},
      {with_status(413), AnswerClass::too_large},
      {with_status(429), AnswerClass::slow_down},
      {with_status(500), AnswerClass::link_down},
  };
  for (const Case& each : cases) {
    CAPTURE(each.response.status);
    HttpServer server([&](const HttpRequest&) { return each.response; });
    TransportDriver driver(https_transport(server.url()));
    driver.connect();
    driver.send(1, numbered_events(1));
    CHECK(driver.wait_for_answer(1).meaning == each.meaning);
    CHECK(server.requests().size() == 1);
  }
}

TEST_CASE("https: a redirect is an error of configuration and is not followed [P-33]") {
  HttpServer elsewhere([](const HttpRequest&) { return HttpResponse(); });
  HttpServer server([&](const HttpRequest&) {
    HttpResponse response = with_status(307);
    response.headers = {{"Location", elsewhere.url()}};
    return response;
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(1));
  const Answer answer = driver.wait_for_answer(1);
  CHECK(answer.meaning == AnswerClass::configuration);
  CHECK(answer.reason == "HTTP 307 a redirect is not followed");
  CHECK(elsewhere.requests().empty());
}

TEST_CASE("https: the page of a captive portal acknowledges nothing [P-33]") {
  HttpServer server([](const HttpRequest&) {
    return HttpResponse{.body = "<html>Welcome", .content_type = "text/html; charset=utf-8"};
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(1));
  const Answer answer = driver.wait_for_answer(1);
  CHECK(answer.meaning == AnswerClass::link_down);
  CHECK(answer.reason.find("captive portal") != std::string::npos);
}

TEST_CASE("https: of a batch, an event that the answer lists as rejected is suspect, alone") {
  const std::vector<Event> events = numbered_events(3);
  HttpServer server([&](const HttpRequest&) {
    return json(200, R"({"accepted":[")" + events[0].id.to_string() + R"("],"rejected":[{"id":")" +
                         events[1].id.to_string() + R"(","reason":"no such\nvalve"}]})");
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, events);
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  const Answer rejected = driver.wait_for_answer(2);
  CHECK(rejected.meaning == AnswerClass::suspect);
  CHECK(rejected.reason == "200, rejected: no such valve");
  CHECK(driver.wait_for_answer(3).meaning == AnswerClass::slow_down);
}

TEST_CASE("https: Retry-After is handed on [P-31]") {
  HttpServer server([](const HttpRequest&) {
    HttpResponse response = with_status(503);
    response.headers = {{"Retry-After", "17"}};
    return response;
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(1));
  const Answer answer = driver.wait_for_answer(1);
  CHECK(answer.meaning == AnswerClass::slow_down);
  CHECK(answer.retry_after == std::chrono::seconds(17));
}

TEST_CASE("https: a request that is too large is refused before it is sent") {
  HttpServer server([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = https_options(server.url());
  options.request_bytes_max = 2048;
  TransportDriver driver(https_transport(options));
  driver.connect();
  driver.send(1, published_event("a", std::string(3000, 'x')));
  const Answer answer = driver.wait_for_answer(1);
  CHECK(answer.meaning == AnswerClass::too_large);
  CHECK(server.requests().empty());
}

TEST_CASE("https: nobody listens, and a probe finds out when that ends") {
  int port = 0;
  const int listener = listen_on_loopback(8, port);
  close(listener);
  TransportDriver driver(https_transport("http://127.0.0.1:" + std::to_string(port) + "/"));
  const Answer answer = driver.fail_to_connect();
  CHECK(answer.meaning == AnswerClass::link_down);
  CHECK(answer.is_unreachable);
  CHECK(answer.reason.find("refused") != std::string::npos);
  driver.transport().probe();
  REQUIRE(driver.poll_until([&] { return !driver.probed.empty(); }));
  CHECK_FALSE(driver.probed.front());
}

TEST_CASE("https: a probe beside an attempt finds out that somebody is back [P-30]") {
  const TcpListener listener(0);
  const std::string url = "http://127.0.0.1:" + std::to_string(listener.port()) + "/";
  // It fills the queue of the listener: the kernel drops the packets of who else comes.
  TransportDriver other(https_transport(url));
  other.connect();
  TransportDriver driver(https_transport(url));
  REQUIRE(driver.transport().connect().is_ok());
  // Well between the attempt's own packets, of which one goes after 1 s, the next after 2 or 3.
  const auto apart = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'500);
  driver.transport().probe();
  REQUIRE(driver.poll_until([&] { return !driver.probed.empty(); }));
  REQUIRE(driver.poll_until([&] { return std::chrono::steady_clock::now() > apart; }));
  CHECK(listener.accept().is_open());
  driver.transport().probe();
  REQUIRE(driver.poll_until([&] { return driver.probed.size() == 2; }));
  CHECK(driver.probed == std::vector<bool>{false, true});
  CHECK(driver.accepted.empty());
  CHECK(driver.ends.empty());
  CHECK(listener.accept().is_open());
  CHECK(driver.poll_until([&] { return !driver.accepted.empty(); }));
}

TEST_CASE("https: without a connection nothing is taken") {
  TransportDriver driver(https_transport("http://127.0.0.1:9/"));
  const Event event = published_event();
  const Outbound outbound{1, &event};
  CHECK(driver.transport().send({&outbound, 1}).code() == Code::unavailable);
}

}  // namespace edgepost::test
