#pragma once

#include <doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/platform.hpp"
#include "platform/descriptor.hpp"
#include "support/loopback.hpp"

namespace edgepost::test {

/// One end of a connection, with waits of 10 s at the most.
class Peer {
 public:
  explicit Peer(int socket) : socket_(socket) {}

  [[nodiscard]] bool is_open() const { return socket_.is_open(); }
  [[nodiscard]] int number() const { return socket_.number(); }

  void send(std::string_view bytes) const {
    CHECK(::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  }

  /// What is there now, at most `size` bytes; `end` tells that nothing more will come.
  std::string receive(std::size_t size, bool& end) const {
    std::string bytes(size, '\0');
    const ssize_t got = ::recv(socket_.number(), bytes.data(), size, MSG_DONTWAIT);
    end = got == 0 || (got < 0 && errno != EAGAIN);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }

  /// Ends the connection; `hard`: by a reset.
  void close(bool hard = false) {
    const linger none{1, 0};
    if (hard) ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    socket_.reset();
  }

 private:
  Descriptor socket_;
};

/// A server on a free loopback port.
class TcpListener {
 public:
  explicit TcpListener(int backlog = 8) : socket_(listen_on_loopback(backlog, port_)) {}

  [[nodiscard]] std::uint16_t port() const { return static_cast<std::uint16_t>(port_); }

  /// The next connection; not open when none comes for `patience`.
  [[nodiscard]] Peer accept(
      std::chrono::milliseconds patience = std::chrono::milliseconds(10'000)) const {
    pollfd waiting{socket_.number(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return Peer(-1);
    return Peer(::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC));
  }

  void close() { socket_.reset(); }

 private:
  int port_ = 0;
  Descriptor socket_;
};

/// Connects to a unix-domain socket.
inline Peer connect_to_path(const std::string& path) {
  Peer peer(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  CHECK(::connect(peer.number(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
        0);
  return peer;
}

/// What the real clock says.
inline Instant now() { return default_platform().clock->now(); }

/// Waits for what `part` waits for (add_descriptors, due) and calls `step` until it returns true;
/// returns false when it does not within 10 s.
template <typename Part, typename Step>
bool drive(const Part& part, Step&& step) {
  const Clock& clock = *default_platform().clock;
  const Instant end = clock.now() + std::chrono::seconds(10);
  for (Instant now = clock.now(); now < end; now = clock.now()) {
    if (step(now)) return true;
    std::vector<pollfd> descriptors;
    part.add_descriptors(descriptors);
    // The test's own sockets are not among the descriptors.
    const Instant due = std::min(part.due(), now + std::chrono::milliseconds(5));
    const auto wait = due <= now ? 0 : (due - now) / std::chrono::milliseconds(1) + 1;
    ::poll(descriptors.data(), descriptors.size(), static_cast<int>(wait));
  }
  return false;
}

}  // namespace edgepost::test
