#include "support/nats.hpp"

namespace edgepost::test {

Nats::Nats(int port) {
  write_file(directory_.file("conf"),
             "server_name: edgepost\nlisten: \"127.0.0.1:4222\"\n"
             "jetstream { store_dir: \"" +
                 directory_.file("streams") +
                 "\" }\n"
                 // What a subscriber has not confirmed comes again after so long.
                 "mqtt { listen: \"0.0.0.0:" +
                 std::to_string(port) + "\", ack_wait: \"1s\", max_ack_pending: 1000 }\n");
  server_ = std::make_unique<Server>(
      Server::Options{.words = {"nats-server", "-c", directory_.file("conf")},
                      .environment = {},
                      .log = directory_.file("out"),
                      .is_ready = [port] { return speaks_mqtt_at(port); }});
  start();
}

}  // namespace edgepost::test
