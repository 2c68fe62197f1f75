#include "support/matrix.hpp"

#include <doctest.h>

#include <fstream>
#include <thread>
#include <utility>

namespace edgepost::test {
namespace {

constexpr std::size_t kSensors = 10;

/// `timestamp,value` as an event of one of the sensors.
Event reading(const std::string& line, std::size_t number) {
  const std::size_t comma = line.find(',');
  const std::string sensor = std::to_string(number % kSensors);
  Event event;
  event.topic = "machine/" + sensor + "/temperature";
  event.key = "sensor-" + sensor;
  event.type = "com.example.temperature";
  event.content_type = "application/json";
  event.data =
      R"({"at":")" + line.substr(0, comma) + R"(","value":)" + line.substr(comma + 1) + "}";
  return event;
}

}  // namespace

GatewaySide::GatewaySide(Network& network, std::string name)
    : network_(network), name_(std::move(name)) {
  std::ifstream data(EDGEPOST_EXAMPLE_DATA "/machine_temperature.csv");
  std::string line;
  std::getline(data, line);  // names of the columns
  while (std::getline(data, line))
    readings_.push_back(line);
  REQUIRE(readings_.size() == 5'000);
  GatewayOptions options;
  options.database = directory_.file("gateway.db");
  options.device_id = name_;
  auto opened = Gateway::open(options);
  REQUIRE_MESSAGE(opened.is_ok(), opened.status().message());
  gateway = std::move(*opened);
  REQUIRE(gateway->create_stream({.name = "outbox"}).is_ok());
  REQUIRE(gateway->route("#", "outbox").is_ok());
}

MqttOptions GatewaySide::mqtt(int port, MqttVersion version) const {
  MqttOptions options;
  options.url = "mqtt://" + std::string(Network::kUpstream) + ":" + std::to_string(port);
  options.client_id = name_;
  options.version = version;
  return options;
}

void GatewaySide::publish(std::size_t count) {
  while (count > 0) {
    const std::size_t group = std::min<std::size_t>(count, 100);
    const Status status = gateway->transact([&](Transaction& transaction) -> Status {
      for (std::size_t i = 0; i < group; ++i, ++next_) {
        const Event event = reading(readings_[next_ % readings_.size()], next_);
        auto receipt = transaction.publish(event);
        if (!receipt) return receipt.status();
        oracle.published(receipt->id, event);
      }
      return {};
    });
    REQUIRE_MESSAGE(status.is_ok(), status.message());
    count -= group;
  }
}

std::string GatewaySide::publish(Event event) {
  const auto receipt = gateway->publish(event);
  REQUIRE_MESSAGE(receipt.is_ok(), receipt.status().message());
  oracle.published(receipt->id, event);
  return receipt->id.to_string();
}

void GatewaySide::start(std::vector<Endpoint> endpoints, UplinkOptions options) {
  options.name = "cloud";
  options.streams = {"outbox"};
  const Status added = gateway->add_uplink(options, std::move(endpoints));
  REQUIRE_MESSAGE(added.is_ok(), added.message());
  network_.as_gateway([&] { REQUIRE(gateway->start().is_ok()); });
}

void GatewaySide::start(std::unique_ptr<Transport> transport, UplinkOptions options) {
  std::vector<Endpoint> endpoints(1);
  endpoints.front().transport = std::move(transport);
  start(std::move(endpoints), std::move(options));
}

void GatewaySide::start(const MqttOptions& upstream, UplinkOptions options) {
  auto transport = make_mqtt_transport(upstream);
  REQUIRE_MESSAGE(transport.is_ok(), transport.status().message());
  start(std::move(*transport), std::move(options));
}

bool GatewaySide::wait_until(const Condition& is_so, std::chrono::milliseconds patience) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!is_so(uplink())) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

void GatewaySide::wait_until_drained(std::chrono::milliseconds patience) const {
  const bool is_drained =
      wait_until([](const UplinkStatus& status) { return status.lag == 0; }, patience);
  const UplinkStatus status = uplink();
  CHECK_MESSAGE(is_drained, status.lag << " left, " << to_string(status.state)
                                       << ", last error: " << status.last_error);
}

void GatewaySide::wait_for_acknowledgement(const std::string& after) const {
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t before = uplink().acknowledged;
  const bool is_acknowledged =
      wait_until([&](const UplinkStatus& status) { return status.acknowledged > before; },
                 std::chrono::seconds(30));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  CHECK_MESSAGE(is_acknowledged, "nothing is acknowledged: " << uplink().last_error);
  MESSAGE("first acknowledgement " << took.count() << " s after " << after);
}

void GatewaySide::check_sound() {
  gateway->stop();
  auto report = gateway->verify();
  REQUIRE(report.is_ok());
  CHECK(report->problems == std::vector<std::string>{});
}

}  // namespace edgepost::test
