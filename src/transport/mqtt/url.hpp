#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// Where a broker listens.
struct BrokerAddress {
  std::string host;        ///< Name or address without brackets; of a unix socket, its path.
  std::uint16_t port = 0;  ///< 0: a unix socket.
  bool is_tls = false;     ///< mqtts://

  /// The address as a URL again.
  [[nodiscard]] std::string to_string() const;
};

/// Reads `mqtts://host[:port]`, `mqtt://host[:port]` or `mqtt+unix:/path`. The URL is never
/// repeated in a message: what someone put there by mistake may be a password. Errors:
/// invalid_argument, naming the position: unknown scheme, user name, missing host, host or port
/// malformed, anything behind the port, path too long for a socket.
Result<BrokerAddress> parse_broker_url(std::string_view url);

}  // namespace edgepost::mqtt
