#include "transport/mqtt/packet_guard.hpp"

#include <doctest.h>

#include <string>

namespace edgepost::mqtt {
namespace {

Status inspect(PacketGuard& guard, const std::string& bytes) {
  return guard.inspect(std::as_bytes(std::span(bytes)));
}

/// A packet whose body has `size` bytes, at most 16,383.
std::string packet(std::size_t size) {
  std::string bytes = "\x30";
  if (size >= 128) bytes.push_back(static_cast<char>(0x80U | (size & 0x7FU)));
  bytes.push_back(static_cast<char>(size < 128 ? size : size >> 7U));
  return bytes + std::string(size, '\xFF');
}

}  // namespace

TEST_CASE("packet guard: packets up to the limit pass, one byte more does not [P-62]") {
  PacketGuard guard(1024);
  CHECK(inspect(guard, packet(0) + packet(1021) + packet(5) + packet(1021)).is_ok());
  const Status status = inspect(guard, packet(3) + packet(1022));
  CHECK(status.code() == Code::refused);
  CHECK(status.message() == "the broker sends a packet of 1025 bytes, inbound_packet_max is 1024");
}

TEST_CASE("packet guard: it makes no difference how the bytes are cut") {
  const std::string good = packet(0) + packet(300) + packet(1) + packet(127) + packet(128);
  for (std::size_t piece = 1; piece < 9; ++piece) {
    PacketGuard guard(303);
    bool is_ok = true;
    for (std::size_t at = 0; at < good.size(); at += piece)
      is_ok = is_ok && inspect(guard, good.substr(at, piece)).is_ok();
    CHECK(is_ok);
    CHECK(inspect(guard, "\x30").is_ok());
    CHECK(inspect(guard, "\xFF").is_ok());
    CHECK(inspect(guard, "\x7F").code() == Code::refused);
  }
}

TEST_CASE("packet guard: the largest length there is is refused by its header alone") {
  PacketGuard guard(64U << 20U);
  CHECK(inspect(guard, "\x30\xFF\xFF\xFF\x7F").message().find("268435460") != std::string::npos);
}

TEST_CASE("packet guard: a length of five bytes is no MQTT") {
  PacketGuard guard(1024);
  CHECK(inspect(guard, "\x30\xFF\xFF\xFF").is_ok());
  CHECK(inspect(guard, "\xFF").code() == Code::corrupt);
}

TEST_CASE("packet guard: it sees which message the broker found too large, the first of them") {
  const std::string taken("\x40\x02\x01\x02", 4);
  const std::string other("\x40\x03\x01\x03\x97", 5);
  const std::string too_large("\x40\x04\x01\x04\x95\x00", 6);
  for (std::size_t piece = 1; piece < 7; ++piece) {
    PacketGuard guard(1024);
    const std::string stream =
        packet(5) + taken + other + too_large + taken + std::string("\x40\x03\x01\x09\x95", 5);
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      CHECK(inspect(guard, stream.substr(at, piece)).is_ok());
      if (at + piece < 21) CHECK_FALSE(guard.message_too_large().has_value());
    }
    CHECK(guard.message_too_large() == 0x0104);
    guard.reset();
    CHECK_FALSE(guard.message_too_large().has_value());
  }
}

TEST_CASE("packet guard: a new connection begins with a header") {
  PacketGuard guard(1024);
  CHECK(inspect(guard, packet(900).substr(0, 400)).is_ok());
  guard.reset();
  CHECK(inspect(guard, packet(1022)).code() == Code::refused);
}

}  // namespace edgepost::mqtt
