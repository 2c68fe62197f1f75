#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "bench/link_workload.hpp"
#include "bench/workload.hpp"
#include "edgepost/https.hpp"
#include "support/mosquitto.hpp"
#include "support/nginx.hpp"
#include "support/pki.hpp"
#include "support/server.hpp"
#include "support/transport_driver.hpp"
#include "transport/https/line.hpp"

namespace edgepost::bench {
namespace {

/// A server's certificate as most are: RSA, with an intermediate one.
struct Certificates : test::Pki {
  Certificates() {
    make_authority("root", {.key = "RSA:2048"});
    make_authority("between", {.issuer = "root", .key = "RSA:2048"});
    make("server", {.issuer = "between", .key = "RSA:2048", .names = "DNS:localhost,IP:127.0.0.1"});
    join("chain", {"server", "between"});
  }
  [[nodiscard]] std::shared_ptr<Tls> tls(bool resume = true) const {
    auto made = make_tls({.ca_file = certificate("root"), .resume = resume});
    EDGEPOST_ASSERT(made.is_ok());
    return *made;
  }
};

// Out of the range from which the system takes the ports of connections, which come and go.
int free_port() {
  int port = 20'000 + getpid() % 10'000;
  while (test::accepts_at(port))
    ++port;
  return port;
}

/// mosquitto with a second listener, for TLS.
struct TlsBroker {
  explicit TlsBroker(const Certificates& pki)
      : port(free_port()),
        broker("max_inflight_messages 1000\nlistener " + std::to_string(port) +
               " 127.0.0.1\ncertfile " + pki.certificate("chain") + "\nkeyfile " +
               pki.key("server") + "\n") {}
  const int port;
  const test::Mosquitto broker;
};

// The rate of Debian's libmosquitto with OpenSSL; 0 where it was not built.
double openssl_rate(const Certificates& pki, int port, std::size_t count, std::size_t data_bytes) {
#if defined(EDGEPOST_BENCH_MOSQUITTO)
  const test::Outcome outcome = test::run(
      {EDGEPOST_BENCH_MOSQUITTO, std::to_string(port), std::to_string(count),
       std::to_string(kWindow), std::to_string(data_bytes), "0", pki.certificate("root")});
  return outcome.code == 0 ? std::strtod(outcome.out.c_str(), nullptr) : 0;
#else
  (void)pki, (void)port, (void)count, (void)data_bytes;
  return 0;
#endif
}

void drains(const Effort& effort, const Certificates& pki) {
  const TlsBroker broker(pki);
  for (const std::size_t data_bytes : {64U, 1'024U, 65'536U}) {
    const std::size_t count = effort.of(data_bytes > 10'000 ? 2'000 : 50'000);
    std::vector<double> ours, peer;
    for (int round = 0; round < effort.rounds; ++round) {
      ours.push_back(drain_rate(mqtt_to(broker.port, pki.tls()), count, data_bytes));
      peer.push_back(openssl_rate(pki, broker.port, count, data_bytes));
    }
    heading("The same over TLS 1.3, " + std::to_string(data_bytes) + " B");
    line("drain", quantile(ours), "events/s");
    if (quantile(peer) == 0) {
      std::printf("  no libmosquitto with OpenSSL (libmosquitto-dev): not compared\n");
    }
    beside("libmosquitto with OpenSSL", quantile(ours), quantile(peer),
           at_least(data_bytes > 10'000 ? 0.5 : 0.9));
  }
}

// Requests per second of a bare loop: cpp-httplib over our channel, with a body that is there.
double bare_rate(const std::string& url, const std::shared_ptr<Tls>& tls, std::size_t requests,
                 const std::string& body) {
  const auto parsed = https::parse_url("url", url);
  EDGEPOST_ASSERT(parsed.is_ok());
  auto made = https::Line::make({.url = *parsed, .tls = tls}, complete({}));
  EDGEPOST_ASSERT(made.is_ok());
  https::Line& line = **made;
  const https::Request request{.target = parsed->target(),
                               .headers = {{"Content-Type", "application/cloudevents-batch+json"}},
                               .body = body};
  const Platform platform = complete({});
  return static_cast<double>(requests) / seconds([&] {
           for (std::size_t i = 0; i < requests; ++i) {
             line.start(request, platform.clock->now());
             for (std::optional<https::Ending> ending; !ending; ending = line.take_ending()) {
               std::vector<pollfd> descriptors;
               line.add_descriptors(descriptors);
               const bool is_due = line.due() <= platform.clock->now();
               ::poll(descriptors.data(), descriptors.size(), is_due ? 0 : 100);
               line.step(platform.clock->now());
             }
           }
         });
}

void https_batches(const Effort& effort, const Certificates& pki) {
  constexpr std::size_t kBatch = 100;
  const test::Nginx nginx("http://127.0.0.1:1", "client_max_body_size 0;\nssl_certificate " +
                                                    pki.certificate("chain") +
                                                    ";\nssl_certificate_key " + pki.key("server") +
                                                    ";\nlocation = /events { return 204; }");
  HttpsOptions options;
  options.url = nginx.url();
  options.tls = pki.tls();
  const std::size_t requests = effort.of(500);
  const std::string one =
      R"({"specversion":"1.0","id":"0193a3b5-7c00-7000-8000-000000000001","source":"/bench",)"
      R"("type":"edgepost.event","subject":"plant/line4/temperature",)"
      R"("time":"2026-01-01T00:00:00.000000Z","sequence":"1234567","data":")" +
      std::string(100, 'x') + "\"}";
  std::string body = "[" + one;
  for (std::size_t i = 1; i < kBatch; ++i)
    body += "," + one;
  body += "]";
  std::vector<double> ours, bare;
  for (int round = 0; round < effort.rounds; ++round) {
    auto transport = make_https_transport(options);
    EDGEPOST_ASSERT(transport.is_ok());
    ours.push_back(drain_rate(std::move(*transport), requests * kBatch, 100));
    bare.push_back(kBatch * bare_rate(options.url, pki.tls(), requests, body));
  }
  heading("HTTPS, batches of 100, 100 B, to nginx");
  line("drain", quantile(ours), "events/s");
  beside("a bare cpp-httplib loop, same channel", quantile(ours), quantile(bare), at_least(0.9));
}

double idle_kib(const std::string& program, int port, const std::string& ca_file) {
  const test::Outcome outcome =
      test::run({program, "--idle", std::to_string(port), ca_file.empty() ? "-" : ca_file});
  EDGEPOST_ASSERT(outcome.code == 0);
  return std::strtod(outcome.out.c_str(), nullptr);
}

void idle(const Certificates& pki, const std::string& program) {
  const TlsBroker broker(pki);
  const double plain = idle_kib(program, broker.broker.port(), "");
  const double secure = idle_kib(program, broker.port, pki.certificate("root"));
  heading("Memory of a gateway with an idle MQTT connection, dynamic");
  line("RSS, plain", plain, "KiB");
  line("RSS, TLS 1.3", secure, "KiB", at_most(6 * 1024));
  line("  more than plain", secure - plain, "KiB");
}

// Bytes over the wire, in both directions, of a second connection on which nothing is sent.
double reconnect_bytes(const Certificates& pki, int port, bool resume) {
  test::TransportDriver driver(mqtt_to(port, pki.tls(resume)));
  const auto bytes = [&] {
    const Traffic traffic = driver.transport().traffic();
    return static_cast<double>(traffic.sent + traffic.received);
  };
  driver.connect();
  driver.send(1, test::published_event());
  driver.wait_for_answer(1);
  driver.transport().disconnect();
  const double before = bytes();
  driver.connect();
  return bytes() - before;
}

void reconnects(const Certificates& pki) {
  const TlsBroker broker(pki);
  const double full = reconnect_bytes(pki, broker.port, false);
  const double resumed = reconnect_bytes(pki, broker.port, true);
  heading("Bytes of a reconnect, TLS 1.3, two RSA certificates, CONNECT and CONNACK included");
  line("full handshake", full, "B");
  line("resumed", resumed, "B");
  beside("a full handshake", resumed, full, at_most(0.4));
}

}  // namespace

void tls(const Effort& effort, const std::string& program) {
  const Certificates pki;
  drains(effort, pki);
  https_batches(effort, pki);
  idle(pki, program);
  reconnects(pki);
}

int measure_idle(int port, const char* ca_file) {
  const test::TempDir dir;
  auto gateway = open_gateway(dir.file("g.db"));
  std::shared_ptr<Tls> with;
  if (std::string_view(ca_file) != "-") {
    auto made = make_tls({.ca_file = ca_file});
    EDGEPOST_ASSERT(made.is_ok());
    with = *made;
  }
  add_uplink(*gateway, mqtt_to(port, std::move(with)));
  EDGEPOST_ASSERT(gateway->start().is_ok());
  publish_group(*gateway, 1, "x");
  wait_for(*gateway, 1);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  std::ifstream memory("/proc/self/smaps_rollup");
  std::string word;
  double kib = 0;
  while (memory >> word) {
    if (word == "Rss:" && memory >> kib) break;
  }
  std::printf("%f\n", kib);
  return 0;
}

}  // namespace edgepost::bench
