#pragma once

#include <memory>
#include <string>

#include "support/server.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// RabbitMQ with its MQTT plugin at a port of every address: in a namespace of its own (Network)
/// only. Knows MQTT 3.1.1. Sessions and queues survive its death. It takes about ten seconds.
class RabbitMq {
 public:
  explicit RabbitMq(int port = 1883);

  void start() { server_->start(); }
  void stop() { server_->stop(); }
  void kill_hard() { server_->kill_hard(); }

 private:
  TempDir directory_;
  std::unique_ptr<Process> names_;  // Erlang's register of nodes; it would start a daemon itself
  std::unique_ptr<Server> server_;
};

}  // namespace edgepost::test
