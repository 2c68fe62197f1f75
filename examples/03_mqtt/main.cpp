// To a broker and back to you: publishes some events and waits until the broker has them all.
// No thread: the program's own loop drives the gateway.
#include <cstdio>
#include <edgepost/gateway.hpp>
#include <edgepost/mqtt.hpp>
#include <string>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

Status prepare(Gateway& gateway, const std::string& url) {
  auto broker = make_mqtt_transport({.url = url, .client_id = "example-03"});
  if (!broker) return broker.status();
  if (Status status = gateway.create_stream({.name = "outbox"}); !status.is_ok()) return status;
  if (Status status = gateway.route("#", "outbox"); !status.is_ok()) return status;
  return gateway.add_uplink({.name = "cloud", .streams = {"outbox"}}, std::move(*broker));
}

int fail(const Status& status) {
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  const std::string url = count > 1 ? arguments[1] : "mqtt://localhost";
  auto opened = Gateway::open({.database = count > 2 ? arguments[2] : "mqtt.db"});
  if (!opened) return fail(opened.status());
  Gateway& gateway = **opened;
  if (const Status status = prepare(gateway, url); !status.is_ok()) return fail(status);

  for (int i = 1; i <= 5; ++i) {
    Event event{.topic = "counter", .data = std::to_string(i), .key = "counter"};
    event.expires_after = 1h;
    const auto receipt = gateway.publish(std::move(event));
    if (!receipt) return fail(receipt.status());
    std::printf("stored %s\n", receipt->id.to_string().c_str());
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
