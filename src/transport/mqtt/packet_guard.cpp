#include "transport/mqtt/packet_guard.hpp"

#include <algorithm>
#include <string>

namespace edgepost::mqtt {
namespace {

constexpr std::size_t kHeaderBytesMax = 5;
constexpr unsigned kPuback = 4;
constexpr unsigned kPacketTooLarge = 0x95;

}  // namespace

Status PacketGuard::inspect(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (header_bytes_ == 0 && rest_ != 0) {
      const std::size_t skipped = std::min(rest_, bytes.size());
      take_body(bytes.first(skipped));
      rest_ -= skipped;
      bytes = bytes.subspan(skipped);
      continue;
    }
    const auto byte = std::to_integer<std::uint8_t>(bytes.front());
    if (header_bytes_++ == 0) {
      type_ = byte >> 4U;
    } else if (Status status = take_length(byte); !status.is_ok()) {
      return status;
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
  puback_bytes_ = 0;
  return {};
}

void PacketGuard::take_body(std::span<const std::byte> bytes) {
  if (type_ != kPuback || too_large_) return;
  for (std::size_t i = 0; i < bytes.size() && puback_bytes_ < puback_.size(); ++i) {
    puback_[puback_bytes_++] = std::to_integer<unsigned>(bytes[i]);
    if (puback_bytes_ == puback_.size() && puback_.back() == kPacketTooLarge) {
      too_large_ = static_cast<int>(puback_[0] << 8U | puback_[1]);
    }
  }
}

}  // namespace edgepost::mqtt
