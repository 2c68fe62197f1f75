#include <doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "edgepost/https.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"
#include "support/process.hpp"

namespace edgepost::test {
namespace {

using Then = RawHttpServer::Then;
using std::chrono::milliseconds;

constexpr const char* kNoContent = "HTTP/1.1 204 No Content\r\n\r\n";

/// What comes of one event when the server answers with these bytes, always.
Answer outcome_of(std::string bytes, Then then = Then::close) {
  RawHttpServer server([&](const HttpRequest&, int) { return RawHttpServer::Reply{bytes, then}; });
  HttpsOptions options = https_options(server.url());
  options.response_bytes_max = 4096;
  options.response_timeout = milliseconds(300);
  options.total_timeout = milliseconds(600);
  TransportDriver driver(https_transport(options));
  driver.connect();
  driver.send(1, numbered_events(1));
  REQUIRE(driver.poll_until([&] { return !driver.answers[1].empty() || !driver.ends.empty(); }));
  return driver.answers[1].empty() ? driver.ends.front() : driver.answers[1].front();
}

bool is_down(const Answer& answer, const std::string& words) {
  CAPTURE(answer.reason);
  CHECK(answer.reason.find(words) != std::string::npos);
  return answer.meaning == AnswerClass::link_down;
}

}  // namespace

TEST_CASE("https: an answer that is cut off acknowledges nothing [P-33]") {
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"), "cut off"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", Then::reset),
                "cut off"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"),
                "cut off"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Le"), "cut off"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\n\r\n{}", Then::reset), "cut off"));
  CHECK(is_down(outcome_of("HTTP/1."), "no HTTP answer"));
  CHECK(is_down(outcome_of("", Then::reset), "reset"));
}

TEST_CASE("https: a body that goes on until an orderly end is whole") {
  const Answer answer =
      outcome_of("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}", Then::close);
  CHECK(answer.meaning == AnswerClass::acknowledged);
}

TEST_CASE("https: a server that falls silent is given up [P-33]") {
  CHECK(is_down(outcome_of("", Then::hang), "no byte of an answer for"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12", Then::hang),
                "no byte of an answer for"));
}

TEST_CASE("https: an answer that is too long, or that is none, is refused at its bound [P-62]") {
  CHECK(is_down(
      outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + std::string(5000, ' ')),
      "the answer is longer than 4096 bytes"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n" +
                           std::string(5000, ' ')),
                "the answer is longer than 4096 bytes"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\n" + std::string(70'000, 'x')), "cut off"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 " + std::string(30'000, 'x') + "\r\n\r\n"),
                "the status line is over 128 bytes"));
  CHECK(is_down(outcome_of("SSH-2.0-OpenSSH_9.2\r\n"), "no HTTP answer"));
  CHECK(is_down(outcome_of("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}"),
                "cut off"));
}

TEST_CASE("https: a connection that the server was about to close costs no attempt") {
  // Each connection answers once and is closed on the next request, as one that idled too long.
  int on_this_connection = 0;
  int last = 0;
  RawHttpServer server([&](const HttpRequest&, int connection) {
    if (connection != last) on_this_connection = 0;
    last = connection;
    if (++on_this_connection > 1) return RawHttpServer::Reply{"", Then::reset};
    return RawHttpServer::Reply{kNoContent, Then::go_on};
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  for (std::uint64_t token = 1; token <= 3; ++token) {
    driver.send(token, numbered_events(1));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
  }
  const std::vector<HttpRequest> requests = server.requests();
  REQUIRE(requests.size() == 5);
  for (const HttpRequest& request : requests)
    CHECK(request.header("Idempotency-Key") == requests[0].header("Idempotency-Key"));
}

TEST_CASE("https: a connection that the server has closed is made anew for the next request") {
  RawHttpServer server([&](const HttpRequest&, int) {
    return RawHttpServer::Reply{kNoContent, Then::close};
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  for (std::uint64_t token = 1; token <= 3; ++token) {
    driver.send(token, numbered_events(1));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
    driver.transport().poll(milliseconds(20), driver);
  }
  CHECK(server.requests().size() == 3);
}

TEST_CASE("https: an answer to no request is not the answer to the next one [P-33]") {
  // The first answer fills the library's buffer, so that the second one waits in the socket.
  std::string first = "HTTP/1.1 204 No Content\r\nX: ";
  first += std::string(4096 - first.size() - 4, 'x') + "\r\n\r\n";
  int requests = 0;
  RawHttpServer server([&](const HttpRequest&, int) {
    return RawHttpServer::Reply{++requests == 1 ? first + kNoContent
                                                : "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"};
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(1));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::acknowledged);
  driver.transport().poll(milliseconds(20), driver);
  driver.send(2, numbered_events(2));
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::link_down);
}

TEST_CASE("https: a refusal before the whole request was read is heard") {
  RawHttpServer server(
      [](const HttpRequest&, int) {
        return RawHttpServer::Reply{"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n",
                                    Then::hang};
      },
      false);
  HttpsOptions options = https_options(server.url());
  options.request_bytes_max = 16 * 1024 * 1024;
  TransportDriver driver(https_transport(options));
  driver.connect();
  driver.send(1, published_event("a", std::string(200'000, 'x')));
  CHECK(driver.wait_for_answer(1).meaning == AnswerClass::too_large);
}

TEST_CASE("https: a body that is long enough is compressed when asked for") {
  RawHttpServer server([&](const HttpRequest&, int) {
    return RawHttpServer::Reply{kNoContent, Then::go_on};
  });
  HttpsOptions options = https_options(server.url());
  options.gzip = true;
  options.mode = HttpsMode::binary;
  TransportDriver driver(https_transport(options));
  driver.connect();
  for (const std::size_t size : {512U, 513U}) {
    driver.send(size, published_event("a", std::string(size, 'x')));
    CHECK(driver.wait_for_answer(size).meaning == AnswerClass::acknowledged);
  }
  const std::vector<HttpRequest> requests = server.requests();
  CHECK(requests[0].header("Content-Encoding").empty());
  CHECK(requests[1].header("Content-Encoding") == "gzip");
  CHECK(run({"gzip", "-dc"}, requests[1].body).out == std::string(513, 'x'));
}

TEST_CASE("https: an interim answer is passed over") {
  const Answer answer =
      outcome_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  CHECK(answer.meaning == AnswerClass::acknowledged);
}

TEST_CASE("https: to disconnect and connect in mid-request sends nothing twice") {
  RawHttpServer server([&](const HttpRequest&, int connection) {
    return connection == 1 ? RawHttpServer::Reply{"", Then::hang}
                           : RawHttpServer::Reply{kNoContent, Then::go_on};
  });
  TransportDriver driver(https_transport(server.url()));
  driver.connect();
  driver.send(1, numbered_events(1));
  driver.poll_until([&] { return !server.requests().empty(); });
  driver.transport().disconnect();
  driver.connect();
  driver.send(2, numbered_events(2));
  CHECK(driver.wait_for_answer(2).meaning == AnswerClass::acknowledged);
  CHECK(driver.answers[1].empty());
  CHECK(server.requests().size() == 2);
}

TEST_CASE("https: a transport that goes in mid-request waits for nobody") {
  RawHttpServer server([&](const HttpRequest&, int) {
    return RawHttpServer::Reply{"", Then::hang};
  });
  const auto begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 20; ++round) {
    TransportDriver driver(https_transport(server.url()));
    driver.connect();
    driver.send(1, numbered_events(1));
    for (int polls = 0; polls < round; ++polls)
      driver.transport().poll(milliseconds(0), driver);
  }
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
}

// Under ThreadSanitizer it shows what the two threads share.
TEST_CASE("https: a request that is given up as it begins disturbs none that follows") {
  HttpServer server([](const HttpRequest&) { return HttpResponse{.status = 204}; });
  TransportDriver driver(https_transport(server.url()));
  for (std::uint64_t token = 1; token <= 1'000; token += 2) {
    driver.connect();
    driver.send(token, numbered_events(1));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
    driver.send(token + 1, numbered_events(1));
    // A little later each time.
    const auto until = std::chrono::steady_clock::now() + std::chrono::nanoseconds(token * 200);
    while (std::chrono::steady_clock::now() < until) {
    }
    driver.transport().disconnect();
  }
  CHECK(driver.ends.empty());
}

}  // namespace edgepost::test
