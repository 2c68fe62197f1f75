// The link beside its floors and peers of the same run. Run it by tools/bench; every figure is a
// median of some rounds, which take turns with the floor's and the peers'.
// What the support of the tests checks stays a check, outside of any test.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest.h>
#include <unistd.h>

#include <map>
#include <string>
#include <string_view>
#include <thread>

#include "bench/bare_mosquitto.hpp"
#include "bench/bench.hpp"
#include "bench/link_workload.hpp"
#include "bench/workload.hpp"
#include "edgepost/mqtt.hpp"
#include "support/mosquitto.hpp"
#include "support/network.hpp"

namespace edgepost::bench {
namespace {

constexpr const char* kQuick = "max_inflight_messages 1000\n";

void drain(const Effort& effort, std::size_t data_bytes) {
  const std::size_t count = std::max<std::size_t>(effort.of(100'000), 1'000);
  const test::Mosquitto broker(kQuick);
  std::vector<double> ours, bare, attributes;
  for (int round = 0; round < effort.rounds; ++round) {
    ours.push_back(drain_rate(mqtt_to(broker.port()), count, data_bytes));
    BareMosquitto sender{.port = broker.port(), .count = count, .data_bytes = data_bytes};
    bare.push_back(bare_mosquitto_rate(sender));
    sender.has_attributes = true;
    attributes.push_back(bare_mosquitto_rate(sender));
  }
  heading("Drain from SQLite through mosquitto, MQTT v5, QoS 1, window 100, " +
          std::to_string(data_bytes) + " B");
  const double median = quantile(ours);
  line("drain", median, "events/s");
  beside("bare libmosquitto, own loop", median, quantile(bare), at_least(0.95));
  beside("the same with an event's attributes", median, quantile(attributes));
}

// Milliseconds from publishing a fresh event to its arrival at a subscriber, while a backlog
// drains. The events tell their number, since nothing orders those without a key.
std::vector<double> live_times(std::size_t backlog, const std::string& key) {
  using Clock = std::chrono::steady_clock;
  const test::Mosquitto broker(kQuick);
  test::Subscriber subscriber(broker, "edgepost/test", {"-t", "edgepost/bench/live"});
  const test::TempDir dir;
  auto gateway = open_gateway(dir.file("g.db"));
  for (std::size_t i = 0; i < backlog / 1'000; ++i)
    publish_group(*gateway, 1'000, std::string(100, 'x'));
  add_uplink(*gateway, mqtt_to(broker.port()));
  EDGEPOST_ASSERT(gateway->start().is_ok());
  wait_for(*gateway, 1);
  std::vector<Clock::time_point> published;
  std::map<std::string, Clock::time_point> arrived;
  std::thread listener([&] {
    while (const auto number = subscriber.next(std::chrono::seconds(5)))
      arrived.emplace(*number, Clock::now());
  });
  while (status_of(*gateway).acknowledged < backlog) {
    const std::string number = std::to_string(published.size());
    published.push_back(Clock::now());
    EDGEPOST_ASSERT(gateway->publish({.topic = "live", .data = number, .key = key}).is_ok());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  listener.join();
  gateway->stop();
  EDGEPOST_ASSERT(arrived.size() == published.size());
  std::vector<double> times;
  for (const auto& [number, at] : arrived) {
    const Clock::duration took = at - published[static_cast<std::size_t>(std::stoul(number))];
    times.push_back(std::chrono::duration<double, std::milli>(took).count());
  }
  return times;
}

// An event without a key passes the backlog; one of a key waits for its turn (decision 12).
void live(const Effort& effort) {
  const std::size_t backlog = std::max<std::size_t>(effort.of(100'000), 1'000);
  std::vector<double> medians, tails, of_a_key;
  for (int round = 0; round < effort.rounds; ++round) {
    const std::vector<double> times = live_times(backlog, {});
    medians.push_back(quantile(times));
    tails.push_back(quantile(times, 0.99));
    of_a_key.push_back(quantile(live_times(backlog, "live"), 0.99));
  }
  heading("A fresh event every 5 ms, while " + std::to_string(backlog) + " drain");
  line("published to arrived, p50", quantile(medians), "ms");
  line("published to arrived, p99", quantile(tails), "ms", at_most(250));
  line("of a key, behind what waits, p99", quantile(of_a_key), "ms");
}

// Seconds from the link's return to the first acknowledgement, after a black hole of some seconds.
double return_time(test::Network& network, std::unique_ptr<Transport> upstream) {
  const test::TempDir dir;
  auto gateway = open_gateway(dir.file("g.db"));
  add_uplink(*gateway, std::move(upstream));
  network.as_gateway([&] { EDGEPOST_ASSERT(gateway->start().is_ok()); });
  publish_group(*gateway, 100, std::string(100, 'x'));
  wait_for(*gateway, 100);
  network.cut();
  publish_group(*gateway, 100, std::string(100, 'x'));
  while (status_of(*gateway).state == UplinkState::online)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::seconds(3));
  network.heal();
  return seconds([&] { wait_for(*gateway, 101); });
}

void link_return(const Effort& effort) {
  heading("A black hole ends, default policy");
  if (geteuid() != 0) {
    std::printf("  only root can make network namespaces: not measured\n");
    return;
  }
  test::Network network;
  const test::Mosquitto broker;
  MqttOptions upstream;
  upstream.url =
      "mqtt://" + std::string(test::Network::kUpstream) + ":" + std::to_string(broker.port());
  upstream.client_id = "bench";
  upstream.in_flight_max = kWindow;
  std::vector<double> times;
  for (int round = 0; round < effort.rounds; ++round)
    times.push_back(return_time(network, *make_mqtt_transport(upstream)));
  line("to the first acknowledgement", quantile(times), "s", at_most(1));
}

}  // namespace
}  // namespace edgepost::bench

int main(int count, char** arguments) {
  using namespace edgepost::bench;
  doctest::Context checks;
  checks.setAsDefaultForAssertsOutOfTestCases();
  checks.setAssertHandler([](const doctest::AssertData& check) {
    if (!check.m_failed) return;
    std::fprintf(stderr, "%s:%d: %s\n", check.m_file, check.m_line, check.m_expr);
    std::abort();
  });
  if (count == 4 && std::strcmp(arguments[1], "--idle") == 0)
    return measure_idle(std::atoi(arguments[2]), arguments[3]);
  Effort effort;
  const std::string_view option = count == 2 ? arguments[1] : "";
  if (option == "--quick") effort = {.rounds = 1, .divisor = 10};
  if (count > 1 && option != "--quick" && option != "--long") {
    std::fprintf(stderr, "usage: %s [--quick | --long]\n", arguments[0]);
    return 2;
  }
  drain(effort, 100);
  drain(effort, 1'000);
  tls(effort, arguments[0]);
  live(effort);
  link_return(effort);
}
