#include "bench/bare_mosquitto.hpp"

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include <cstdint>
#include <ctime>

namespace edgepost::bench {
namespace {

struct Progress {
  bool is_connected = false;
  std::size_t acknowledged = 0;
};

void connected(mosquitto*, void* progress, int code, int, const mosquitto_property*) {
  static_cast<Progress*>(progress)->is_connected = code == 0;
}

void acknowledged(mosquitto*, void* progress, int, int, const mosquitto_property*) {
  ++static_cast<Progress*>(progress)->acknowledged;
}

mosquitto_property* attributes() {
  mosquitto_property* all = nullptr;
  const auto add = [&](const char* name, const char* value) {
    mosquitto_property_add_string_pair(&all, MQTT_PROP_USER_PROPERTY, name, value);
  };
  mosquitto_property_add_string(&all, MQTT_PROP_CONTENT_TYPE, "application/octet-stream");
  add("specversion", "1.0");
  add("id", "0193a3b5-7c00-7000-8000-000000000001");
  add("source", "/bench");
  add("type", "edgepost.event");
  add("subject", "plant/line4/temperature");
  add("time", "2026-01-01T00:00:00.000000Z");
  add("sequence", "1234567");
  return all;
}

double now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Connects and sends; the time it took, 0 when it failed.
double send_all(mosquitto* client, const BareMosquitto& sender, Progress& progress) {
  mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  mosquitto_int_option(client, MOSQ_OPT_SEND_MAXIMUM, 65'535);
  mosquitto_int_option(client, MOSQ_OPT_TCP_NODELAY, 1);
  mosquitto_connect_v5_callback_set(client, connected);
  mosquitto_publish_v5_callback_set(client, acknowledged);
  if (!sender.ca_file.empty()) {
    mosquitto_tls_set(client, sender.ca_file.c_str(), nullptr, nullptr, nullptr, nullptr);
    mosquitto_tls_opts_set(client, 1, "tlsv1.3", nullptr);
  }
  if (mosquitto_connect(client, "localhost", sender.port, 60) != MOSQ_ERR_SUCCESS) return 0;
  while (!progress.is_connected) {
    if (mosquitto_loop(client, 1'000, 1) != MOSQ_ERR_SUCCESS) return 0;
  }
  mosquitto_property* const properties = sender.has_attributes ? attributes() : nullptr;
  const std::string data(sender.data_bytes, 'x');
  const double begin = now();
  std::size_t sent = 0;
  while (progress.acknowledged < sender.count) {
    while (sent < sender.count && sent - progress.acknowledged < sender.window) {
      mosquitto_publish_v5(client, nullptr, "edgepost/bench/plant/line4/temperature",
                           static_cast<int>(data.size()), data.data(), 1, false, properties);
      ++sent;
    }
    if (mosquitto_loop(client, 1'000, 1) != MOSQ_ERR_SUCCESS) return 0;
  }
  const double took = now() - begin;
  mosquitto_property* released = properties;
  mosquitto_property_free_all(&released);
  return took;
}

}  // namespace

double bare_mosquitto_rate(const BareMosquitto& sender) {
  mosquitto_lib_init();
  Progress progress;
  mosquitto* const client = mosquitto_new("bare", true, &progress);
  const double took = send_all(client, sender, progress);
  mosquitto_disconnect(client);
  mosquitto_destroy(client);
  mosquitto_lib_cleanup();
  return took > 0 ? static_cast<double>(sender.count) / took : 0;
}

}  // namespace edgepost::bench
