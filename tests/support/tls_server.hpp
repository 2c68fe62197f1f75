#pragma once

#include <memory>
#include <string>

#include "support/process.hpp"
#include "support/tcp_peer.hpp"

namespace edgepost::test {

/// A TLS server by the openssl command on a free loopback port. It sends each line back, reversed.
class TlsServer {
 public:
  /// `options` are those of `openssl s_server`; `port` 0 is a free one.
  explicit TlsServer(const Words& options, const Words& environment = {}, std::uint16_t port = 0);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] const Process& process() const { return *process_; }

 private:
  std::unique_ptr<Process> process_;
  std::uint16_t port_;
};

}  // namespace edgepost::test
