#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "edgepost/status.hpp"

namespace edgepost::mqtt {

/// Reads the fixed headers (MQTT 5.0, section 2.1.1) in what a broker sends, before libmosquitto
/// does, which gives a packet all the memory that its header announces: up to 256 MB. On the way it
/// sees the one answer that libmosquitto hides: mosquitto's PUBACK "packet too large" (0x95), a
/// code that MQTT has for DISCONNECT alone.
class PacketGuard {
 public:
  explicit PacketGuard(std::size_t packet_bytes_max) : packet_bytes_max_(packet_bytes_max) {}

  /// Begins a new connection.
  void reset() { *this = PacketGuard(packet_bytes_max_); }

  /// Looks at the next bytes of the connection, however they are cut.
  /// Errors: refused: a packet above the limit; corrupt: a length of more than four bytes.
  Status inspect(std::span<const std::byte> bytes);

  /// The message that the first such PUBACK of this connection is for.
  [[nodiscard]] std::optional<int> message_too_large() const { return too_large_; }

 private:
  Status take_length(std::uint8_t byte);
  void take_body(std::span<const std::byte> bytes);

  std::size_t packet_bytes_max_;
  std::size_t header_bytes_ = 0;  // Of the header being read; 0: the next byte begins a packet.
  std::size_t length_ = 0;        // What its length says so far.
  std::size_t rest_ = 0;          // Of the packet behind the last whole header.
  unsigned type_ = 0;
  std::array<unsigned, 3> puback_{};  // Identifier and reason code.
  std::size_t puback_bytes_ = 0;
  std::optional<int> too_large_{};
};

}  // namespace edgepost::mqtt
