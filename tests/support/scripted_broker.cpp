#include "support/scripted_broker.hpp"

#include <doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/loopback.hpp"

namespace edgepost::test {
namespace {

/// The bytes of the fixed header: one, and the remaining length.
std::size_t header_bytes(const std::string& packet) {
  std::size_t bytes = 1;
  while ((static_cast<unsigned char>(packet[bytes++]) & 0x80U) != 0) {
  }
  return bytes;
}

std::string read_bytes(int connection, std::size_t count) {
  std::string bytes(count, '\0');
  const ssize_t got = recv(connection, bytes.data(), count, MSG_WAITALL);
  return got == static_cast<ssize_t>(count) ? bytes : std::string();
}

/// Empty when the connection ends first.
std::string read_packet(int connection) {
  std::string packet = read_bytes(connection, 1);
  if (packet.empty()) return {};
  std::size_t length = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    const std::string byte = read_bytes(connection, 1);
    if (byte.empty()) return {};
    packet += byte;
    length |= (static_cast<unsigned char>(byte[0]) & 0x7FU) << shift;
    if ((static_cast<unsigned char>(byte[0]) & 0x80U) == 0) break;
  }
  return length == 0 ? packet : packet + read_bytes(connection, length);
}

}  // namespace

ScriptedBroker::ScriptedBroker(Script script)
    : script_(std::move(script)), listener_(listen_on_loopback(8, port_)) {
  thread_ = std::thread([this] { serve(); });
}

ScriptedBroker::~ScriptedBroker() {
  stops_ = true;
  shutdown(listener_, SHUT_RDWR);
  shutdown(connection_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

std::string ScriptedBroker::url() const { return "mqtt://127.0.0.1:" + std::to_string(port_); }

std::vector<std::string> ScriptedBroker::packets() {
  const std::lock_guard lock(mutex_);
  return packets_;
}

std::vector<std::string> ScriptedBroker::packets(int type) {
  std::vector<std::string> chosen;
  for (const std::string& packet : packets()) {
    if (static_cast<unsigned char>(packet[0]) >> 4U == static_cast<unsigned>(type)) {
      chosen.push_back(packet);
    }
  }
  return chosen;
}

void ScriptedBroker::serve() {
  while (!stops_) {
    connection_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    while (!stops_ && serve_packet()) {
    }
    close(connection_.exchange(-1));
  }
}

/// False at the end of the connection.
bool ScriptedBroker::serve_packet() {
  const std::string packet = read_packet(connection_);
  if (packet.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    packets_.push_back(packet);
  }
  const Reply reply = script_(packet);
  send(connection_, reply.bytes.data(), reply.bytes.size(), MSG_NOSIGNAL);
  return !reply.closes;
}

int protocol_level(const std::string& connect) {
  const int type = static_cast<unsigned char>(connect[0]) >> 4U;
  REQUIRE(type == kConnect);
  return body(connect)[6];
}

std::string body(const std::string& packet) { return packet.substr(header_bytes(packet)); }

std::string puback(const std::string& publish, int reason_code) {
  const std::string content = body(publish);
  const auto byte = [&content](std::size_t at) { return static_cast<unsigned char>(content[at]); };
  const std::size_t topic_bytes = static_cast<std::size_t>(byte(0) << 8U | byte(1));
  std::string ack = content.substr(2 + topic_bytes, 2);
  if (reason_code >= 0) ack.push_back(static_cast<char>(reason_code));
  return std::string("\x40") + static_cast<char>(ack.size()) + ack;
}

int packet_type(const std::string& packet) { return static_cast<unsigned char>(packet[0]) >> 4U; }

std::string connack(const std::string& properties, bool has_session) {
  std::string packet("\x20\x00\x00\x00\x00", 5);
  packet[1] = static_cast<char>(3 + properties.size());
  packet[2] = has_session ? '\x01' : '\x00';
  packet[4] = static_cast<char>(properties.size());
  return packet + properties;
}

std::string suback(const std::string& subscribe, int code) {
  return std::string("\x90\x04") + body(subscribe).substr(0, 2) + '\0' + static_cast<char>(code);
}

std::string publication(const std::string& topic, const std::string& payload, int message_id) {
  std::string content{'\0', static_cast<char>(topic.size())};
  content += topic;
  content += {'\0', static_cast<char>(message_id), '\0'};
  content += payload;
  return std::string("\x32") + static_cast<char>(content.size()) + content;
}

}  // namespace edgepost::test
