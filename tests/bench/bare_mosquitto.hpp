#pragma once

#include <cstddef>
#include <string>

namespace edgepost::bench {

/// A sender that has nothing but libmosquitto and a loop of its own.
struct BareMosquitto {
  int port = 0;  ///< Of a broker on loopback.
  std::size_t count = 0;
  std::size_t window = 100;
  std::size_t data_bytes = 100;
  bool has_attributes = false;  ///< MQTT v5 user properties, as CloudEvents has them.
  std::string ca_file{};        ///< With TLS, where the library was built with it.
};

/// Messages that the broker acknowledges in a second (QoS 1); 0 when it cannot be reached.
double bare_mosquitto_rate(const BareMosquitto& sender);

}  // namespace edgepost::bench
