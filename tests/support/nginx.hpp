#pragma once

#include <memory>
#include <string>

#include "support/server.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// nginx with TLS on a free loopback port, in front of a server without.
class Nginx {
 public:
  /// Hands everything to `upstream` (`http://host:port`). `settings` are lines of its `server`
  /// block, certificates among them.
  Nginx(const std::string& upstream, const std::string& settings);

  /// Starts it again on the same port.
  void start() { server_->start(); }
  /// Ends it as a power cut would.
  void kill_hard() { server_->kill_hard(); }

  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& path = "/events") const {
    return "https://127.0.0.1:" + std::to_string(port_) + path;
  }

 private:
  TempDir directory_;
  int port_ = 0;
  std::unique_ptr<Server> server_;
};

}  // namespace edgepost::test
