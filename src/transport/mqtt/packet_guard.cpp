#include "transport/mqtt/packet_guard.hpp"

#include <algorithm>
#include <string>

namespace edgepost::mqtt {
namespace {

constexpr std::size_t kHeaderBytesMax = 5;

}  // namespace

Status PacketGuard::inspect(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (header_bytes_ == 0 && rest_ != 0) {
      const std::size_t skipped = std::min(rest_, bytes.size());
      rest_ -= skipped;
      bytes = bytes.subspan(skipped);
      continue;
    }
    if (header_bytes_++ != 0) {
      if (Status status = take_length(std::to_integer<std::uint8_t>(bytes.front()));
          !status.is_ok()) {
        return status;
      }
    }
    bytes = bytes.subspan(1);
  }
  return {};
}

Status PacketGuard::take_length(std::uint8_t byte) {
  length_ |= (byte & 0x7FU) << 7U * (header_bytes_ - 2);
  if ((byte & 0x80U) != 0) {
    if (header_bytes_ < kHeaderBytesMax) return {};
    return {Code::corrupt, "the broker sent a packet whose length is malformed"};
  }
  if (header_bytes_ + length_ > packet_bytes_max_) {
    return {Code::refused,
            "the broker sends a packet of " + std::to_string(header_bytes_ + length_) +
                " bytes, inbound_packet_max is " + std::to_string(packet_bytes_max_)};
  }
  rest_ = length_;
  header_bytes_ = 0;
  length_ = 0;
  return {};
}

}  // namespace edgepost::mqtt
