#include "bench/link_workload.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "bench/workload.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::bench {

UplinkStatus status_of(const Gateway& gateway) { return gateway.status().uplinks.front(); }

std::unique_ptr<Transport> mqtt_to(int port, std::shared_ptr<Tls> tls) {
  MqttOptions options;
  options.url = (tls ? "mqtts://localhost:" : "mqtt://127.0.0.1:") + std::to_string(port);
  options.tls = std::move(tls);
  options.client_id = "bench";
  options.in_flight_max = kWindow;
  auto transport = make_mqtt_transport(options);
  EDGEPOST_ASSERT(transport.is_ok());
  return std::move(*transport);
}

void add_uplink(Gateway& gateway, std::unique_ptr<Transport> transport) {
  UplinkOptions options;
  options.name = "cloud";
  options.streams = {"outbox"};
  options.max_in_flight = kWindow;
  EDGEPOST_ASSERT(gateway.add_uplink(options, std::move(transport)).is_ok());
}

void wait_for(const Gateway& gateway, std::uint64_t acknowledged) {
  while (status_of(gateway).acknowledged < acknowledged)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

double drain_rate(std::unique_ptr<Transport> transport, std::size_t count, std::size_t data_bytes) {
  const test::TempDir dir;
  auto gateway = open_gateway(dir.file("g.db"));
  const std::string data(data_bytes, 'x');
  for (std::size_t left = count; left > 0;) {
    const std::size_t group = std::min<std::size_t>(left, data_bytes > 10'000 ? 10 : 1'000);
    publish_group(*gateway, group, data);
    left -= group;
  }
  add_uplink(*gateway, std::move(transport));
  const double took = seconds([&] {
    EDGEPOST_ASSERT(gateway->start().is_ok());
    wait_for(*gateway, count);
  });
  gateway->stop();
  return static_cast<double>(count) / took;
}

}  // namespace edgepost::bench
