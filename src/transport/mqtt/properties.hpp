#pragma once

#include <mosquitto.h>

#include <cstdint>
#include <string>

namespace edgepost::mqtt {

/// The properties of one packet of MQTT 5.0, to be sent.
class Properties {
 public:
  Properties() = default;
  ~Properties() { mosquitto_property_free_all(&list_); }
  Properties(const Properties&) = delete;
  Properties& operator=(const Properties&) = delete;

  /// MOSQ_ERR_SUCCESS, or what the first add() that failed said.
  [[nodiscard]] int error() const { return error_; }
  [[nodiscard]] const mosquitto_property* list() const { return list_; }

  void add(int identifier, std::uint32_t value) {
    keep(mosquitto_property_add_int32(&list_, identifier, value));
  }
  void add_short(int identifier, std::uint16_t value) {
    keep(mosquitto_property_add_int16(&list_, identifier, value));
  }
  void add(int identifier, const std::string& value) {
    keep(mosquitto_property_add_string(&list_, identifier, value.c_str()));
  }
  void add_bytes(int identifier, const std::string& value) {
    keep(mosquitto_property_add_binary(&list_, identifier, value.data(),
                                       static_cast<std::uint16_t>(value.size())));
  }
  void add_pair(int identifier, const std::string& name, const std::string& value) {
    keep(mosquitto_property_add_string_pair(&list_, identifier, name.c_str(), value.c_str()));
  }

 private:
  void keep(int error) { error_ = error_ == MOSQ_ERR_SUCCESS ? error : error_; }

  mosquitto_property* list_ = nullptr;
  int error_ = MOSQ_ERR_SUCCESS;
};

}  // namespace edgepost::mqtt
