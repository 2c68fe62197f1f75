#include "support/rabbitmq.hpp"

namespace edgepost::test {

RabbitMq::RabbitMq(int port) {
  write_file(directory_.file("rabbitmq.conf"),
             "listeners.tcp.local = 127.0.0.1:5672\n"
             "loopback_users = none\n"
             "mqtt.allow_anonymous = true\n"
             "mqtt.listeners.tcp.all = 0.0.0.0:" +
                 std::to_string(port) + "\nlog.console = true\nlog.file = false\n");
  write_file(directory_.file("plugins"), "[rabbitmq_mqtt].\n");
  names_ = std::make_unique<Process>(Words{"setpriv", "--pdeathsig", "KILL", "epmd"});
  server_ = std::make_unique<Server>(Server::Options{
      // Not the wrapper of the package: that one changes user and directory.
      .words = {"/usr/lib/rabbitmq/bin/rabbitmq-server"},
      .environment = {"HOME=" + directory_.path(), "RABBITMQ_NODENAME=edgepost@localhost",
                      "RABBITMQ_MNESIA_BASE=" + directory_.file("mnesia"),
                      "RABBITMQ_LOG_BASE=" + directory_.file("log"),
                      "RABBITMQ_PID_FILE=" + directory_.file("pid"),
                      "RABBITMQ_CONFIG_FILE=" + directory_.file("rabbitmq.conf"),
                      "RABBITMQ_ENABLED_PLUGINS_FILE=" + directory_.file("plugins"),
                      "RABBITMQ_CONF_ENV_FILE=/dev/null",
                      "RUNNING_UNDER_SYSTEMD=1",  // no shell stands between it and our signals
                      "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1 +sbwt none"},
      .log = directory_.file("out"),
      .is_ready = [port] { return speaks_mqtt_at(port); }});
  start();
}

}  // namespace edgepost::test
