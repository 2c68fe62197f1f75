// The gateway of tools/demo: replays a recorded series at speed, reads /proc beside it, and goes
// on where it was after any crash, because its position is what is stored.
//   demo_gateway DATABASE URL CSV READINGS_PER_SECOND
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <edgepost/gateway.hpp>
#include <edgepost/mqtt.hpp>
#include <fstream>
#include <thread>

using namespace edgepost;
using namespace std::chrono_literals;

namespace {

constexpr Duration kTick = 20ms;
constexpr int kTicksPerLiveReading = 10;

Status prepare(Gateway& gateway, const std::string& url) {
  auto broker = make_mqtt_transport({.url = url, .client_id = "demo-gateway"});
  if (!broker) return broker.status();
  for (const std::string stream : {"series", "live"}) {
    if (Status status = gateway.create_stream({.name = stream}); !status.is_ok()) return status;
    if (Status status = gateway.route(stream + "/#", stream); !status.is_ok()) return status;
  }
  UplinkOptions uplink{.name = "cloud", .streams = {"series", "live"}};
  uplink.retry = {.initial_delay = 100ms, .max_delay = 1s};
  Status status = gateway.add_uplink(uplink, std::move(*broker));
  return status.is_ok() ? gateway.start() : status;
}

/// How many readings of the series are stored: event number n is line n of the data.
std::uint64_t stored(const Gateway& gateway) {
  for (const StreamStatus& stream : gateway.status().streams) {
    if (stream.name == "series") return stream.next_sequence - 1;
  }
  return 0;
}

Status publish(Transaction& transaction, std::string topic, std::string key, std::string data) {
  return transaction
      .publish({.topic = std::move(topic),
                .data = std::move(data),
                .key = std::move(key),
                .content_type = "application/json"})
      .status();
}

/// Stores the next `count` readings in one commit.
Status replay(Gateway& gateway, std::ifstream& csv, std::int64_t count) {
  return gateway.transact([&](Transaction& transaction) -> Status {
    std::string line;
    for (std::int64_t i = 0; i < count && std::getline(csv, line); ++i) {
      const auto comma = line.find(',');
      if (comma == std::string::npos) return {Code::corrupt, "not a reading: " + line};
      Status status = publish(transaction, "series/temperature", "machine-1",
                              "{\"timestamp\":\"" + line.substr(0, comma) +
                                  "\",\"value\":" + line.substr(comma + 1) + "}");
      if (!status.is_ok()) return status;
    }
    return {};
  });
}

Status publish_load(Gateway& gateway) {
  std::string load;
  if (!(std::ifstream("/proc/loadavg") >> load)) return {};
  return gateway.transact(
      [&](Transaction& transaction) { return publish(transaction, "live/load", "load", load); });
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return std::fputs("usage: demo_gateway DATABASE URL CSV RATE\n", stderr), 1;
  auto opened = Gateway::open({.database = arguments[1]});
  Status status = opened ? prepare(**opened, arguments[2]) : opened.status();
  std::ifstream csv(arguments[3]);
  std::string line;
  std::uint64_t behind = status.is_ok() ? stored(**opened) + 1 : 0;  // the heading too
  for (; behind > 0 && std::getline(csv, line);)
    --behind;
  const auto batch = std::max<std::int64_t>(1, std::atol(arguments[4]) * kTick / Duration(1s));
  for (int tick = 0; status.is_ok() && csv.good(); ++tick) {
    status = replay(**opened, csv, batch);
    if (status.is_ok() && tick % kTicksPerLiveReading == 0) status = publish_load(**opened);
    std::this_thread::sleep_for(kTick);
  }
  while (status.is_ok() && (*opened)->status().uplinks.front().lag > 0) {
    std::this_thread::sleep_for(kTick);
  }
  if (!status.is_ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.is_ok() ? 0 : 1;
}
