#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// Reads the fixed headers (MQTT 5.0, section 2.1.1) in what a broker sends, before libmosquitto
/// does, which gives a packet all the memory that its header announces: up to 256 MB.
class PacketGuard {
 public:
  explicit PacketGuard(std::size_t packet_bytes_max) : packet_bytes_max_(packet_bytes_max) {}

  /// Begins a new connection.
  void reset() { *this = PacketGuard(packet_bytes_max_); }

  /// Looks at the next bytes of the connection, however they are cut.
  /// Errors: refused: a packet above the limit; corrupt: a length of more than four bytes.
  Status inspect(std::span<const std::byte> bytes);

 private:
  Status take_length(std::uint8_t byte);

  std::size_t packet_bytes_max_;
  std::size_t header_bytes_ = 0;  // Of the header being read; 0: the next byte begins a packet.
  std::size_t length_ = 0;        // What its length says so far.
  std::size_t rest_ = 0;          // Of the packet behind the last whole header.
};

}  // namespace edgepost::mqtt
