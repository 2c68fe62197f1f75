// A gateway that watches the machine it runs on: reads /proc and /sys, publishes, syncs.
//   gateway [URL [DATABASE [ROUNDS [INTERVAL_MS [ROOT]]]]]      -1 rounds: for ever
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <edgepost/gateway.hpp>
#include <edgepost/mqtt.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <thread>

using namespace edgepost;

namespace {

/// The numbers behind `name` in a file whose lines begin with a name.
std::vector<double> numbers(const std::string& path, const std::string& name) {
  std::vector<double> found;
  std::ifstream file(path);
  for (std::string word; found.empty() && file >> word; file.ignore(1'000, '\n')) {
    for (double number = 0; word == name && file >> number;)
      found.push_back(number);
  }
  return found;
}

/// Reads whatever this machine has. CPU use is a difference: it needs the times read before.
struct Machine {
  std::string root;
  std::vector<double> before = {};
  std::map<std::string, double> read() {
    std::map<std::string, double> values;
    const auto cpu = numbers(root + "/proc/stat", "cpu");
    double spent = 0;
    for (std::size_t i = 0; i < cpu.size() && i < before.size(); ++i)
      spent += cpu[i] - before[i];
    if (spent > 0 && before.size() > 3) values["cpu"] = 100 - 100 * (cpu[3] - before[3]) / spent;
    before = cpu;
    const auto total = numbers(root + "/proc/meminfo", "MemTotal:");
    const auto free = numbers(root + "/proc/meminfo", "MemAvailable:");
    if (!total.empty() && !free.empty()) values["memory"] = 100 - 100 * free[0] / total[0];
    double number = 0;
    if (std::ifstream(root + "/proc/loadavg") >> number) values["load"] = number;
    std::ifstream network(root + "/proc/net/dev");
    for (std::string name; network >> name; network.ignore(1'000, '\n')) {
      if (name.ends_with(':') && network >> number) values["network"] += number;
    }
    if (std::ifstream(root + "/sys/class/thermal/thermal_zone0/temp") >> number) {
      values["temperature"] = number / 1'000;
    }
    std::error_code error;
    const auto disk = std::filesystem::space(root + "/", error);
    if (!error) values["disk"] = 100 - 100 * double(disk.available) / double(disk.capacity);
    return values;
  }
};

Status prepare(Gateway& gateway, const std::string& url) {
  auto broker = make_mqtt_transport({.url = url, .client_id = "machine"});
  if (!broker) return broker.status();
  if (Status status = gateway.create_stream({.name = "outbox"}); !status.is_ok()) return status;
  if (Status status = gateway.route("machine/#", "outbox"); !status.is_ok()) return status;
  return gateway.add_uplink({.name = "cloud", .streams = {"outbox"}}, std::move(*broker));
}

Status publish(Gateway& gateway, Machine& machine) {
  return gateway.transact([&](Transaction& transaction) -> Status {
    for (const auto& [name, value] : machine.read()) {
      const auto receipt = transaction.publish(
          {.topic = "machine/" + name, .data = std::to_string(value), .key = name});
      if (!receipt) return receipt.status();
    }
    return {};
  });
}

}  // namespace

int main(int count, char** arguments) {
  const char* given[] = {"", "mqtt://localhost", "gateway.db", "-1", "1000", ""};
  std::copy(arguments, arguments + std::min<int>(count, std::size(given)), given);
  auto opened = Gateway::open({.database = given[2]});
  Status status = opened ? prepare(**opened, given[1]) : opened.status();
  if (status.is_ok()) status = (*opened)->start();
  Machine machine{given[5]};
  long rounds = std::atol(given[3]);
  while (status.is_ok() && rounds-- != 0) {
    status = publish(**opened, machine);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atol(given[4])));
  }
  for (int i = 0; status.is_ok() && i < 100; ++i) {
    if ((*opened)->status().uplinks.front().lag == 0) return 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  std::fprintf(stderr, "%s\n", status.is_ok() ? "no broker" : status.message().c_str());
  return 1;
}
