// To a service over HTTPS: publishes some events, which go out as CloudEvents in one request, and
// waits until the service has said that it has them.
#include <cstdio>
#include <cstdlib>
#include <edgepost/gateway.hpp>
#include <edgepost/https.hpp>
#include <string>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

/// `https://…` is verified against the roots in a file; `http://` is for a try on one's own desk.
Result<std::unique_ptr<Transport>> connect(const std::string& url, const std::string& ca_file) {
  HttpsOptions options{.url = url, .device_id = "example-05"};
  options.allow_plaintext = url.starts_with("http://");
  if (!options.allow_plaintext) {
    auto tls = make_tls({.ca_file = ca_file});
    if (!tls) return tls.status();
    options.tls = *tls;
  }
  if (const char* file = std::getenv("TOKEN_FILE")) options.auth = BearerAuth{{.file = file}};
  return make_https_transport(options);
}

Status prepare(Gateway& gateway, std::unique_ptr<Transport> service) {
  if (Status status = gateway.create_stream({.name = "outbox"}); !status.is_ok()) return status;
  if (Status status = gateway.route("#", "outbox"); !status.is_ok()) return status;
  return gateway.add_uplink({.name = "cloud", .streams = {"outbox"}}, std::move(service));
}

int fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string url = count > 1 ? arguments[1] : "http://localhost:8080/events";
  auto service = connect(url, count > 2 ? arguments[2] : "/etc/ssl/certs/ca-certificates.crt");
  if (!service) return fail(service.status());
  auto opened = Gateway::open({.database = "https.db"});
  if (!opened) return fail(opened.status());
  Gateway& gateway = **opened;
  if (Status status = prepare(gateway, std::move(*service)); !status.is_ok()) return fail(status);

  for (int i = 1; i <= 5; ++i) {
    const auto receipt = gateway.publish({.topic = "counter", .data = std::to_string(i)});
    if (!receipt) return fail(receipt.status());
  }

  const Clock& clock = *default_platform().clock;
  const Instant deadline = clock.now() + 10s;
  UplinkStatus uplink = gateway.status().uplinks.front();
  while (uplink.lag > 0 && clock.now() < deadline) {
    gateway.step(clock.now(), 100ms);
    uplink = gateway.status().uplinks.front();
  }
  std::printf("%s: %s acknowledged, %s left; %s\n", uplink.address.c_str(),
              std::to_string(uplink.acknowledged).c_str(), std::to_string(uplink.lag).c_str(),
              uplink.last_error.c_str());
  return uplink.lag == 0 ? 0 : 1;
}
