#pragma once

#include <doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace edgepost::test {

/// A TCP socket listening on a free loopback port, which is stored in `port`.
inline int listen_on_loopback(int backlog, int& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(listener, generic, size) == 0);
  REQUIRE(listen(listener, backlog) == 0);
  REQUIRE(getsockname(listener, generic, &size) == 0);
  port = ntohs(address.sin_port);
  return listener;
}

}  // namespace edgepost::test
