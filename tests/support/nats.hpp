#pragma once

#include <memory>
#include <string>

#include "support/server.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// NATS with JetStream and its MQTT gateway at a port of every address: in a namespace of its own
/// (Network) only. Knows MQTT 3.1.1. Sessions and queues survive its death.
class Nats {
 public:
  explicit Nats(int port = 1883);

  void start() { server_->start(); }
  void stop() { server_->stop(); }
  void kill_hard() { server_->kill_hard(); }

 private:
  TempDir directory_;
  std::unique_ptr<Server> server_;
};

}  // namespace edgepost::test
