#include <doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "edgepost/https.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"

namespace edgepost::test {
namespace {

using Then = RawHttpServer::Then;
using std::chrono::milliseconds;

std::string event_json(const std::string& id) {
  return R"({"specversion":"1.0","id":")" + id + R"(","source":"/cloud","type":"command",)" +
         R"("subject":"valve","data":"open"})";
}

/// `count` events and the cursor behind them.
HttpResponse batch(int first, int count, const std::string& cursor) {
  std::string body = "[";
  for (int i = 0; i < count; ++i)
    body += (i == 0 ? "" : ",") + event_json(std::to_string(first + i));
  return {.status = 200,
          .body = body + "]",
          .content_type = "application/cloudevents-batch+json",
          .headers = {{"Edgepost-Cursor", cursor}}};
}

HttpsOptions polling(const std::string& url, HttpsInbound inbound = HttpsInbound::long_poll) {
  HttpsOptions options = https_options(url);
  options.inbound = inbound;
  return options;
}

std::string ids_received(const TransportDriver& driver) {
  std::string ids;
  for (const Received& each : driver.received)
    ids += each.identity.substr(each.identity.find(' ') + 1) + " ";
  return ids;
}

std::string stream(const std::string& events) {
  return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + events;
}

/// The events behind number `last` up to `count`, each with its number for an id.
std::string stream_behind(int last, int count) {
  std::string events;
  for (int i = last + 1; i <= count; ++i) {
    const std::string id = std::to_string(i);
    events += "id: " + id + "\ndata: " + event_json(id) + "\n\n";
  }
  return stream(events);
}

}  // namespace

TEST_CASE("https: a long poll brings events, and goes on behind the last one") {
  HttpServer server([](const HttpRequest& request) {
    if (request.target == "/in") return batch(1, 2, "c/2");
    if (request.target == "/in?cursor=c%2F2" || request.target == "/in?cursor=c/2") {
      return batch(3, 1, "c/3");
    }
    return HttpResponse{.status = 204, .delay = milliseconds(50)};
  });
  TransportDriver driver(https_transport(polling(server.url("/in"))));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return driver.received.size() == 3; }));
  CHECK(ids_received(driver) == "1 2 3 ");
  CHECK(driver.received[0].cursor.empty());
  CHECK(driver.received[1].cursor == "c/2");
  CHECK(driver.stored_cursor == "c/3");
  CHECK(driver.received[0].event.topic == "valve");
  CHECK(driver.received[0].event.data == "open");
  CHECK(driver.calls.front().what == "poll");
  CHECK(driver.calls.front().detail == "2 events");
}

TEST_CASE(
    "https: what cannot be stored is asked for again, from the cursor that is stored [P-13]") {
  HttpServer server([](const HttpRequest& request) {
    return request.target.find("cursor=9") == std::string::npos ? HttpResponse{.status = 500}
                                                                : batch(10, 1, "10");
  });
  TransportDriver driver(https_transport(polling(server.url("/in?x=1"))));
  driver.stored_cursor = "9";
  driver.inbox_status = Status(Code::full, "inbox: full");
  driver.connect();
  const Answer end = driver.wait_for_end();
  CHECK(end.meaning == AnswerClass::link_down);
  CHECK(end.reason.find("poll: not stored: inbox: full") != std::string::npos);
  CHECK(driver.received.empty());
  driver.inbox_status = Status();
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.stored_cursor == "10");
}

TEST_CASE("https: a server whose cursor does not move is asked no more often than each second") {
  for (const std::string cursor : {"", "7"}) {
    CAPTURE(cursor);
    HttpServer server([&](const HttpRequest&) { return batch(1, 2, cursor); });
    TransportDriver driver(https_transport(polling(server.url("/in"))));
    driver.stored_cursor = "7";
    const auto begun = std::chrono::steady_clock::now();
    driver.connect();
    REQUIRE(driver.poll_until([&] { return server.requests().size() == 2; }));
    CHECK(std::chrono::steady_clock::now() - begun >= milliseconds(1'000));
  }
}

TEST_CASE("https: a poll that is held open for too long is asked again, when the old one is over") {
  std::atomic<int> polls{0};
  HttpServer server([&](const HttpRequest&) {
    if (++polls > 1) return batch(1, 1, "c/1");
    return HttpResponse{.status = 204, .delay = milliseconds(2'500)};
  });
  HttpsOptions options = polling(server.url("/in"));
  options.total_timeout = milliseconds(1'200);
  TransportDriver driver(https_transport(options));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return !driver.received.empty(); }));
  CHECK(driver.ends.empty());
  CHECK(driver.calls.front().detail == "nothing");
}

TEST_CASE("https: what comes in is asked for beside what goes out") {
  std::atomic<int> polls{0};
  HttpServer server([&](const HttpRequest& request) {
    if (request.method == "POST") return HttpResponse{.status = 204};
    ++polls;
    return HttpResponse{.status = 204, .delay = milliseconds(300)};
  });
  TransportDriver driver(https_transport(polling(server.url())));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return polls > 0; }));
  for (std::uint64_t token = 1; token <= 3; ++token) {
    driver.send(token, numbered_events(1));
    CHECK(driver.wait_for_answer(token).meaning == AnswerClass::acknowledged);
  }
  CHECK(polls == 1);
}

TEST_CASE("https: events that are none are left out, and the others are taken [P-62]") {
  HttpServer server([](const HttpRequest& request) {
    if (request.target != "/in") return HttpResponse{.status = 204};
    HttpResponse response = batch(1, 1, "1");
    response.body = R"([{"id":1},)" + event_json("2") + "]";
    return response;
  });
  TransportDriver driver(https_transport(polling(server.url("/in"))));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return driver.calls.size() > 0; }));
  CHECK(ids_received(driver) == "2 ");
  CHECK(driver.calls.front().detail == "2 events; malformed: id: not a string");
}

TEST_CASE("https: a poll that is refused ends the link, as a refused event does [P-33]") {
  struct Case {
    HttpResponse response;
    AnswerClass meaning;
  };
  const std::vector<Case> cases = {
      {{.status = 401}, AnswerClass::credentials},
      {{.status = 404}, AnswerClass::configuration},
      {{.status = 302}, AnswerClass::configuration},
      {{.status = 503}, AnswerClass::link_down},
      {{.body = "<html>", .content_type = "text/html"}, AnswerClass::link_down},
      {{.body = "{}", .content_type = "application/json"}, AnswerClass::link_down},
  };
  for (const Case& each : cases) {
    CAPTURE(each.response.status);
    HttpServer server([&](const HttpRequest&) { return each.response; });
    TransportDriver driver(https_transport(polling(server.url())));
    driver.connect();
    CHECK(driver.wait_for_end().meaning == each.meaning);
    REQUIRE(!driver.calls.empty());
    CHECK_FALSE(driver.calls.front().is_ok);
  }
}

TEST_CASE("https: server-sent events come one by one, each with its cursor") {
  RawHttpServer server([](const HttpRequest& request, int) {
    if (request.header("Last-Event-ID") == "b") return RawHttpServer::Reply{"", Then::hang};
    return RawHttpServer::Reply{stream("retry: 10\n\nid: a\ndata: " + event_json("1") +
                                       "\n\n: comment\nid: b\ndata: " + event_json("2") + "\n\n"),
                                Then::close};
  });
  HttpServer outbound([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = polling(outbound.url(), HttpsInbound::events);
  options.inbound_url = server.url();
  TransportDriver driver(https_transport(options));
  driver.connect();
  REQUIRE(driver.poll_until([&] { return server.requests().size() == 2; }));
  CHECK(ids_received(driver) == "1 2 ");
  CHECK(driver.received[0].cursor == "a");
  CHECK(driver.stored_cursor == "b");
  const HttpRequest first = server.requests().front();
  CHECK(first.method == "GET");
  CHECK(first.header("Accept") == "text/event-stream");
  CHECK(first.count("Last-Event-ID") == 0);
}

TEST_CASE("https: of a stream that was given up nothing is taken for the next one's [P-13]") {
  constexpr int kCount = 2'000;  // Much more than the bound on what waits to be taken.
  RawHttpServer server([](const HttpRequest& request, int) {
    const std::string last = request.header("Last-Event-ID");
    return RawHttpServer::Reply{stream_behind(last.empty() ? 0 : std::stoi(last), kCount),
                                Then::hang};
  });
  HttpServer outbound([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = polling(outbound.url(), HttpsInbound::events);
  options.inbound_url = server.url();
  TransportDriver driver(https_transport(options));
  driver.inbox_status = Status(Code::full, "inbox: full");
  // Meanwhile the stream goes on.
  driver.before_storing = [] { std::this_thread::sleep_for(milliseconds(100)); };
  driver.connect();
  CHECK(driver.wait_for_end().reason.find("inbox: full") != std::string::npos);
  driver.inbox_status = Status();
  driver.before_storing = nullptr;
  driver.connect();
  REQUIRE(driver.poll_until([&] { return driver.stored_cursor == std::to_string(kCount); }));
  std::string expected;
  for (int i = 1; i <= kCount; ++i)
    expected += std::to_string(i) + " ";
  CHECK(ids_received(driver) == expected);
}

TEST_CASE("https: a stream that ends is taken up again, one that is cut ends the link [P-33]") {
  RawHttpServer server([](const HttpRequest&, int connection) {
    return RawHttpServer::Reply{stream("data: " + event_json(std::to_string(connection)) + "\n\n"),
                                connection == 1 ? Then::close : Then::reset};
  });
  HttpServer outbound([](const HttpRequest&) { return HttpResponse(); });
  HttpsOptions options = polling(outbound.url(), HttpsInbound::events);
  options.inbound_url = server.url();
  TransportDriver driver(https_transport(options));
  driver.connect();
  CHECK(driver.wait_for_end().reason.find("cut off") != std::string::npos);
  CHECK(driver.received.size() >= 1);
  CHECK(server.requests().size() == 2);
}

}  // namespace edgepost::test
