#include <doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>

#include "edgepost/gateway.hpp"
#include "support/http_server.hpp"
#include "support/https_driver.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {
namespace {

using std::chrono::milliseconds;

/// A whole gateway on the machine's own clock, with an uplink over HTTP.
struct Site {
  explicit Site(const HttpsOptions& https, UplinkOptions uplink = {}) {
    options.database = directory.file("gateway.db");
    options.reserve_bytes = 0;
    auto opened = Gateway::open(options);
    REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
    gateway = std::move(*opened);
    for (const char* stream : {"outbox", "inbox"})
      REQUIRE(gateway->create_stream({.name = stream}).is_ok());
    REQUIRE(gateway->route("plant/#", "outbox").is_ok());
    uplink.name = "cloud";
    uplink.streams = {"outbox"};
    uplink.retry.initial_delay = milliseconds(10);
    uplink.retry.max_delay = milliseconds(100);
    const Status added = gateway->add_uplink(uplink, https_transport(https));
    REQUIRE_MESSAGE(added.is_ok(), added.message());
  }

  void publish(int count, std::size_t bytes = 10) {
    for (int i = 0; i < count; ++i) {
      Event event{.topic = "plant/" + std::to_string(i % 7), .data = std::string(bytes, 'x')};
      const auto receipt = gateway->publish(std::move(event), Durability::buffered);
      REQUIRE(receipt.is_ok());
      published.insert(receipt->id.to_string());
    }
    REQUIRE(gateway->flush().is_ok());
  }

  /// Runs until `is_done`, for half a minute at most.
  bool run_until(const std::function<bool(const UplinkStatus&)>& is_done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < deadline) {
      if (is_done(gateway->status().uplinks.front())) return true;
      std::this_thread::sleep_for(milliseconds(10));
    }
    MESSAGE(gateway->status().uplinks.front().last_error);
    return false;
  }

  bool drain() {
    return run_until([](const UplinkStatus& uplink) { return uplink.lag == 0; });
  }

  TempDir directory;
  GatewayOptions options;
  std::unique_ptr<Gateway> gateway;
  std::set<std::string> published;
};

std::set<std::string> arrived(HttpServer& server) {
  const auto ids = server.ids();
  return {ids.begin(), ids.end()};
}

}  // namespace

TEST_CASE("https: a gateway drains its stream in batches") {
  HttpServer server([](const HttpRequest&) { return HttpResponse{.status = 204}; });
  Site site(https_options(server.url()));
  site.publish(500);
  REQUIRE(site.gateway->start().is_ok());
  REQUIRE(site.drain());
  site.gateway->stop();
  CHECK(arrived(server) == site.published);
  CHECK(server.ids().size() == 500);
  CHECK(server.requests().size() < 100);
}

TEST_CASE("https: a batch that is too large is halved until it passes") {
  HttpServer server([](const HttpRequest& request) {
    return HttpResponse{.status = request.body.size() > 4000 ? 413 : 204};
  });
  Site site(https_options(server.url()));
  site.publish(100);
  REQUIRE(site.gateway->start().is_ok());
  REQUIRE(site.drain());
  site.gateway->stop();
  CHECK(arrived(server) == site.published);
  CHECK(site.gateway->dead_letters({})->empty());
}

TEST_CASE("https: the one poison event of a batch is found, and the others pass [P-11]") {
  std::string poison;
  HttpServer server([&](const HttpRequest& request) {
    const bool is_bad = request.body.find(poison) != std::string::npos;
    return HttpResponse{.status = is_bad ? 422 : 204};
  });
  Site site(https_options(server.url()));
  site.publish(60);
  poison = *std::next(site.published.begin(), 30);
  REQUIRE(site.gateway->start().is_ok());
  REQUIRE(site.drain());
  site.gateway->stop();
  site.published.erase(poison);
  CHECK(arrived(server) == site.published);
  const auto dead = site.gateway->dead_letters({});
  REQUIRE(dead->size() == 1);
  CHECK(dead->front().event.id.to_string() == poison);
  CHECK(dead->front().last_error.find("422") != std::string::npos);
}

TEST_CASE("https: a captive portal and a server in trouble lose nothing [P-14]") {
  std::atomic<int> requests{0};
  HttpServer server([&](const HttpRequest&) {
    switch (++requests) {
      case 1:
        return HttpResponse{.body = "<html>sign in</html>", .content_type = "text/html"};
      case 2:
        return HttpResponse{.status = 500};
      case 3:
        return HttpResponse{.status = 408};
      default:
        return HttpResponse{.status = 204};
    }
  });
  Site site(https_options(server.url()));
  site.publish(20);
  REQUIRE(site.gateway->start().is_ok());
  REQUIRE(site.drain());
  site.gateway->stop();
  CHECK(arrived(server) == site.published);
  CHECK(site.gateway->dead_letters({})->empty());
}

TEST_CASE("https: what is polled stands in the inbox once, also after a restart [P-13]") {
  HttpServer server([](const HttpRequest& request) {
    if (request.method == "POST") return HttpResponse{.status = 204};
    const bool is_first = request.target.find("cursor") == std::string::npos;
    if (!is_first) return HttpResponse{.status = 204, .delay = milliseconds(100)};
    const std::string event =
        R"({"specversion":"1.0","id":"1","source":"/c","type":"t","subject":"valve"})";
    return HttpResponse{.body = "[" + event + "," + event + "]",
                        .content_type = "application/cloudevents-batch+json",
                        .headers = {{"Edgepost-Cursor", "7"}}};
  });
  HttpsOptions https = https_options(server.url());
  https.inbound = HttpsInbound::long_poll;
  UplinkOptions uplink;
  uplink.inbox = "inbox";
  Site site(https, uplink);
  REQUIRE(site.gateway->start().is_ok());
  REQUIRE(site.run_until([](const UplinkStatus& status) { return status.received == 1; }));
  site.gateway->stop();
  REQUIRE(site.gateway->start().is_ok());
  const std::size_t before = server.requests().size();
  REQUIRE(site.run_until([&](const UplinkStatus&) { return server.requests().size() > before; }));
  site.gateway->stop();
  CHECK(server.requests().back().target == "/events?cursor=7");
  CHECK(site.gateway->read("inbox", Position::start())->size() == 1);
}

}  // namespace edgepost::test
