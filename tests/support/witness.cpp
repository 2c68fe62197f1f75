#include "support/witness.hpp"

#include <doctest.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stdlib.h>

#include <string_view>

#include "wire/parse.hpp"

namespace edgepost::test {
namespace {

std::string user_property(const mosquitto_property* properties, std::string_view wanted) {
  char* name = nullptr;
  char* value = nullptr;
  std::string found;
  bool is_again = false;
  while (const auto* at = mosquitto_property_read_string_pair(properties, MQTT_PROP_USER_PROPERTY,
                                                              &name, &value, is_again)) {
    if (wanted == name) found = value;
    free(name);
    free(value);
    properties = at;
    is_again = true;
  }
  return found;
}

}  // namespace

struct Witness::Callbacks {
  static void connected(mosquitto* client, void* self, int code) {
    const Options& options = static_cast<Witness*>(self)->options_;
    if (code == 0) mosquitto_subscribe(client, nullptr, options.filter.c_str(), options.qos);
  }

  static void subscribed(mosquitto*, void* self, int, int count, const int* granted) {
    if (count != 1 || *granted > 2) return;  // refused
    auto* const witness = static_cast<Witness*>(self);
    const std::lock_guard lock(witness->mutex_);
    ++witness->subscriptions_;
    witness->subscribed_.notify_all();
  }

  static void received(mosquitto*, void* self, const mosquitto_message* message,
                       const mosquitto_property* properties) {
    Oracle& oracle = static_cast<Witness*>(self)->oracle_;
    const std::string payload(static_cast<const char*>(message->payload),
                              static_cast<std::size_t>(message->payloadlen));
    const std::string id = user_property(properties, "id");
    if (!id.empty()) return oracle.arrived(user_property(properties, "source"), id, payload);
    const auto event = wire::parse_event(payload);
    if (!event) return oracle.arrived("", "not an event: " + payload, "");
    oracle.arrived(event->source, event->id.to_string(), event->data);
  }
};

Witness::Witness(Oracle& oracle, const Options& options) : oracle_(oracle), options_(options) {
  mosquitto_lib_init();
  client_ = mosquitto_new(options_.client_id.c_str(), false, this);
  const int version = options_.version == 5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311;
  mosquitto_int_option(client_, MOSQ_OPT_PROTOCOL_VERSION, version);
  mosquitto_int_option(client_, MOSQ_OPT_RECEIVE_MAXIMUM, 65'535);
  mosquitto_reconnect_delay_set(client_, 1, 1, false);
  mosquitto_connect_callback_set(client_, Callbacks::connected);
  mosquitto_subscribe_callback_set(client_, Callbacks::subscribed);
  mosquitto_message_v5_callback_set(client_, Callbacks::received);
  REQUIRE(mosquitto_connect(client_, "127.0.0.1", options_.port, 60) == MOSQ_ERR_SUCCESS);
  mosquitto_threaded_set(client_, true);
  thread_ = std::thread([this] { mosquitto_loop_forever(client_, 100, 1); });
  wait_for_subscription(1);
}

Witness::~Witness() {
  mosquitto_disconnect(client_);
  thread_.join();
  mosquitto_destroy(client_);
  mosquitto_lib_cleanup();
}

unsigned Witness::subscriptions() const {
  const std::lock_guard lock(mutex_);
  return subscriptions_;
}

void Witness::wait_for_subscription(unsigned count) const {
  std::unique_lock lock(mutex_);
  REQUIRE(subscribed_.wait_for(lock, std::chrono::seconds(30),
                               [&] { return subscriptions_ >= count; }));
}

}  // namespace edgepost::test
