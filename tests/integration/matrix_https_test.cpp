// What happens on the way to an HTTPS service, and what it may answer; everything arrives all the
// same. nginx stands before it and wants a client certificate. The gateway has the policy that
// users get.
#include <doctest.h>

#include <array>
#include <atomic>
#include <thread>

#include "edgepost/https.hpp"
#include "support/http_server.hpp"
#include "support/matrix.hpp"
#include "support/nginx.hpp"
#include "support/pki.hpp"
#include "wire/foreign.hpp"

namespace edgepost::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEvents = 600;
constexpr std::size_t kBatch = 100;  // of UplinkOptions

Network& network() {
  static Network network;
  return network;
}

/// The certificates of a service, of a gateway, and of a portal that is neither.
struct Certificates : Pki {
  Certificates() {
    make_authority("root");
    const std::string names = "IP:" + std::string(Network::kUpstream);
    make("service", {.issuer = "root", .names = names});
    make("gateway", {.issuer = "root", .names = {}});
    make("portal", {.names = names});
  }
};
const Pki& certificates() {
  static const Certificates pki;
  return pki;
}

std::string identity(const std::string& name) {
  const Pki& pki = certificates();
  return "ssl_certificate " + pki.certificate(name) + ";\nssl_certificate_key " + pki.key(name) +
         ";\n";
}

/// The events of a batch, told to the oracle: the service has them now.
void tell(Oracle& oracle, const std::string& body) {
  const auto batch = wire::read_batch(body, 10'000);
  if (!batch) return oracle.arrived("", "not a batch: " + body, "");
  for (const std::string_view one : *batch) {
    const auto received = wire::read_structured(one);
    if (!received) {
      oracle.arrived("", "not an event: " + std::string(one), "");
    } else {
      const Event& event = received->event;
      oracle.arrived(event.source, event.id.to_string(), event.data);
    }
  }
}

/// A service behind nginx, and a gateway that sends to it.
struct Scene {
  /// What the service does about its n-th request, from 1; 0: it takes the events.
  using Answer = std::function<HttpResponse(const HttpRequest& request, int number)>;
  static constexpr int kTaken = 0;

  explicit Scene(const std::string& name, Answer said = {})
      : gateway(network(), name),
        answer(std::move(said)),
        service([this](const HttpRequest& request) { return respond(request); }),
        nginx("http://127.0.0.1:" + std::to_string(service.port()),
              identity("service") + "ssl_client_certificate " + certificates().certificate("root") +
                  ";\nssl_verify_client on;\nclient_max_body_size 0;") {}
  ~Scene() {
    network().heal();
    gateway.gateway->stop(0s);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  HttpResponse respond(const HttpRequest& request) {
    const int number = ++requests;
    HttpResponse response{.status = kTaken};
    if (answer) response = answer(request, number);
    if (response.status != kTaken) return response;
    tell(gateway.oracle, request.body);
    return {.status = 204};
  }

  HttpsOptions options() const {
    const Pki& pki = certificates();
    auto tls = make_tls({.ca_file = pki.certificate("root"),
                         .certificate_file = pki.certificate("gateway"),
                         .key_file = pki.key("gateway")});
    REQUIRE_MESSAGE(tls.is_ok(), tls.status().message());
    HttpsOptions to;
    to.url = "https://" + std::string(Network::kUpstream) + ":" + std::to_string(nginx.port()) +
             "/events";
    to.tls = *tls;
    return to;
  }

  void start(const HttpsOptions& to) {
    auto transport = make_https_transport(to);
    REQUIRE_MESSAGE(transport.is_ok(), transport.status().message());
    gateway.start(std::move(*transport));
  }
  void start() { start(options()); }
  void publish_and_start(std::size_t count = kEvents) {
    gateway.publish(count);
    start();
    REQUIRE(gateway.oracle.wait_for(std::min<std::size_t>(count, 50), 20s));
  }
  /// Everything but what was to be left out arrives, whatever happened; `repeats_max` more times.
  void finish(std::size_t repeats_max, std::chrono::seconds patience = 30s,
              const std::set<std::string>& left_out = {}) {
    gateway.wait_until_drained(patience);
    gateway.oracle.check(gateway.source(), left_out);
    CHECK(gateway.oracle.repeats() <= repeats_max);
    MESSAGE(requests.load() << " requests, " << gateway.oracle.repeats() << " arrived again");
    CHECK(gateway.dead() == left_out.size());
    gateway.check_sound();
  }

  GatewaySide gateway;
  Answer answer;
  std::atomic<int> requests = 0;
  HttpServer service;
  Nginx nginx;
};

const auto kOffline = [](const UplinkStatus& status) {
  return status.state != UplinkState::online;
};
const auto kBlocked = [](const UplinkStatus& status) {
  return status.state == UplinkState::blocked;
};

HttpResponse with_status(int status, std::vector<HttpHeader> headers = {}) {
  return {.status = status, .headers = std::move(headers)};
}

}  // namespace

TEST_CASE("link: HTTPS: everything arrives once, byte by byte, in order [P-01] [P-10] [P-60]") {
  Scene scene("clean");
  scene.gateway.publish(kEvents);
  scene.start();
  scene.finish(0);
}

TEST_CASE("link: HTTPS: nginx is killed in mid-drain [P-01] [P-12] [P-30]") {
  Scene scene("kill");
  scene.publish_and_start(4 * kEvents);
  scene.nginx.kill_hard();
  scene.gateway.publish(kEvents);
  REQUIRE(scene.gateway.wait_until(kOffline, 20s));
  scene.nginx.start();
  scene.gateway.wait_for_acknowledgement("nginx's return");
  scene.finish(kBatch);
}

TEST_CASE("link: HTTPS: a black hole ends [P-01] [P-30]") {
  Scene scene("blackhole");
  scene.publish_and_start();
  network().cut();
  scene.gateway.publish(kEvents);
  REQUIRE(scene.gateway.wait_until(kOffline, 30s));
  std::this_thread::sleep_for(2s);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the end of the black hole");
  scene.finish(kBatch);
}

TEST_CASE("link: HTTPS: a half-open connection is given up [P-01] [P-12] [P-33]") {
  Scene scene("halfopen");
  scene.gateway.publish(10);
  scene.start();
  scene.gateway.wait_until_drained();
  network().half_open();
  scene.gateway.publish(kEvents);
  REQUIRE(scene.gateway.wait_until(kOffline, 30s));
  CHECK(scene.gateway.uplink().acknowledged == 10);
  network().heal();
  scene.gateway.wait_for_acknowledgement("both directions are there");
  scene.finish(kBatch);
}

TEST_CASE("link: HTTPS: a reset comes in mid-body [P-01] [P-33]") {
  Scene scene("reset");
  network().slow_down(9'600);
  scene.gateway.publish(kEvents);
  scene.start();
  // More than the handshake, less than handshake and body.
  REQUIRE(scene.gateway.wait_until(
      [](const UplinkStatus& status) { return status.endpoints.front().traffic.sent > 2'500; },
      20s));
  network().refuse();
  REQUIRE(scene.gateway.wait_until(kOffline, 20s));
  network().heal();
  scene.finish(kBatch);
}

TEST_CASE("line: HTTPS: 30 percent of the packets are lost [P-01] [P-10]") {
  Scene scene("loss");
  network().lose(30);
  scene.gateway.publish(kEvents / 4);
  scene.start();
  scene.finish(10 * kBatch, 60s);
}

TEST_CASE("line: HTTPS: a line of 9,600 baud is slow and works [P-01] [P-10]") {
  Scene scene("baud");
  network().slow_down(9'600);
  scene.gateway.publish(40);
  scene.start();
  scene.finish(0, 60s);
}

TEST_CASE("answer: HTTPS: a captive portal gets nothing but a handshake [P-33] [P-60]") {
  Scene scene("portal");
  const Nginx portal("http://127.0.0.1:1",
                     identity("portal") + "return 302 https://portal.example/;");
  network().divert(scene.nginx.port(), portal.port());
  scene.gateway.publish(kEvents);
  scene.start();
  REQUIRE(scene.gateway.wait_until(
      [](const UplinkStatus& status) { return !status.last_error.empty(); }, 20s));
  std::this_thread::sleep_for(1s);
  MESSAGE(scene.gateway.uplink().last_error);
  CHECK(scene.gateway.uplink().acknowledged == 0);
  CHECK(scene.requests == 0);
  network().heal();
  scene.gateway.wait_for_acknowledgement("the portal's end");
  scene.finish(0);
}

TEST_CASE("answer: HTTPS: a portal's page with 200 is no acknowledgement [P-33]") {
  Scene scene("page");
  const HttpResponse page{
      .status = 200, .body = "<html>Welcome</html>", .content_type = "text/html"};
  scene.answer = [&](const HttpRequest&, int number) {
    return number <= 2 ? page : with_status(Scene::kTaken);
  };
  scene.gateway.publish(kEvents);
  scene.start();
  scene.finish(0);
  CHECK(scene.requests > 2);
}

TEST_CASE("answer: HTTPS: 429 with Retry-After is obeyed, and counts no try [P-14] [P-31]") {
  Scene scene("later");
  std::atomic<std::chrono::steady_clock::duration> refused{}, next{};
  scene.answer = [&](const HttpRequest&, int number) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    if (number == 2) refused = now;
    if (number == 3) next = now;
    return number == 2 ? with_status(429, {{"Retry-After", "2"}}) : with_status(Scene::kTaken);
  };
  scene.gateway.publish(kEvents);
  scene.start();
  scene.finish(0);
  CHECK(next.load() - refused.load() >= 2s);
}

TEST_CASE("answer: HTTPS: 503, 500 and 408 pass, and count no try [P-01] [P-14]") {
  Scene scene("unwell");
  constexpr std::array kStatus = {503, 500, 408};
  scene.answer = [&](const HttpRequest&, int number) {
    return number == 1 || number > 4 ? with_status(Scene::kTaken)
                                     : with_status(kStatus[static_cast<std::size_t>(number) - 2]);
  };
  scene.gateway.publish(kEvents);
  scene.start();
  scene.finish(0);
}

TEST_CASE("answer: HTTPS: 413 makes batches smaller, and only what is too large alone dies") {
  Scene scene("size");
  scene.answer = [](const HttpRequest& request, int) {
    return with_status(request.body.size() > 8'000 ? 413 : Scene::kTaken);
  };
  scene.gateway.publish(kEvents / 2);
  const std::string large =
      scene.gateway.publish({.topic = "log", .data = std::string(9'000, 'x'), .key = "log"});
  scene.gateway.publish(kEvents / 2);
  scene.start();
  scene.finish(0, 30s, {large});
}

TEST_CASE("answer: HTTPS: 400 for one event stops no other [P-11]") {
  Scene scene("poison");
  std::string poison;
  scene.answer = [&](const HttpRequest& request, int) {
    const bool has_it = request.body.find(poison) != std::string::npos;
    return with_status(has_it ? 400 : Scene::kTaken);
  };
  scene.gateway.publish(kEvents / 2);
  poison = scene.gateway.publish({.topic = "log", .data = "poison", .key = "log"});
  scene.gateway.publish(kEvents / 2);
  scene.start();
  scene.finish(0, 60s, {poison});
}

TEST_CASE("answer: HTTPS: 401 makes it read its token again [P-14]") {
  Scene scene("token");
  std::atomic<int> reads = 0;
  scene.answer = [](const HttpRequest& request, int) {
    const bool is_known = request.header("Authorization") == "Bearer new";
    return with_status(is_known ? Scene::kTaken : 401);
  };
  HttpsOptions to = scene.options();
  to.auth = BearerAuth{{.source = [&]() -> Result<std::string> {
    return std::string(++reads == 1 ? "old" : "new");
  }}};
  scene.gateway.publish(kEvents);
  scene.start(to);
  scene.finish(0);
}

TEST_CASE("answer: HTTPS: 401 for good blocks it, and nothing dies [P-14]") {
  Scene scene("stranger");
  std::atomic<bool> is_known = false;
  scene.answer = [&](const HttpRequest&, int) {
    return with_status(is_known ? Scene::kTaken : 401);
  };
  scene.gateway.publish(kEvents);
  scene.start();
  REQUIRE(scene.gateway.wait_until(kBlocked, 20s));
  CHECK(scene.requests <= 2);
  is_known = true;
  REQUIRE(scene.gateway.gateway->retry_uplink("cloud").is_ok());
  scene.finish(0);
}

TEST_CASE("answer: HTTPS: a redirect is not followed, and blocks it [P-33]") {
  Scene scene("redirect");
  std::atomic<bool> is_moved = true;
  std::atomic<int> followed = 0;
  scene.answer = [&](const HttpRequest& request, int) {
    if (request.target != "/events") ++followed;
    return is_moved ? with_status(307, {{"Location", "/elsewhere"}}) : with_status(Scene::kTaken);
  };
  scene.gateway.publish(kEvents);
  scene.start();
  REQUIRE(scene.gateway.wait_until(kBlocked, 20s));
  is_moved = false;
  REQUIRE(scene.gateway.gateway->retry_uplink("cloud").is_ok());
  scene.finish(0);
  CHECK(followed == 0);
}

TEST_CASE("answer: HTTPS: a reset and truncated answers are no acknowledgement [P-33]") {
  using Then = RawHttpServer::Then;
  GatewaySide gateway(network(), "raw");
  std::atomic<int> requests = 0;
  RawHttpServer server([&](const HttpRequest& request, int) -> RawHttpServer::Reply {
    const int number = ++requests;
    if (number == 1) return {"", Then::reset};
    tell(gateway.oracle, request.body);
    if (number == 2) return {"HTTP/1.1 200 OK\r\nContent-Le", Then::close};
    if (number == 3) return {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", Then::reset};
    return {"HTTP/1.1 204 No Content\r\n\r\n", Then::go_on};
  });
  HttpsOptions to;
  to.url = server.url();
  to.url.replace(to.url.find("127.0.0.1"), 9, Network::kUpstream);
  to.allow_plaintext = true;
  auto transport = make_https_transport(to);
  REQUIRE_MESSAGE(transport.is_ok(), transport.status().message());
  gateway.publish(kEvents);
  gateway.start(std::move(*transport));
  gateway.wait_until_drained();
  gateway.oracle.check(gateway.source());
  CHECK(gateway.oracle.repeats() > 0);  // taken, and said so in vain
  CHECK(gateway.uplink().acknowledged == kEvents);
  gateway.check_sound();
}

}  // namespace edgepost::test
