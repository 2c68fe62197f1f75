#include "support/mosquitto.hpp"

#include <doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace edgepost::test {
namespace {

constexpr std::chrono::seconds kPatience(10);

}  // namespace

int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  REQUIRE(bind(probe, generic, size) == 0);
  REQUIRE(getsockname(probe, generic, &size) == 0);
  close(probe);
  return ntohs(address.sin_port);
}

Mosquitto::Mosquitto(std::string configuration)
    : configuration_(std::move(configuration)), port_(free_port()) {
  // Somebody else may take the port before the broker does.
  for (int attempt = 1; attempt < 10; ++attempt) {
    if (try_to_start()) return;
    port_ = free_port();
  }
  start();
}

bool Mosquitto::try_to_start() {
  std::string configuration = "listener " + std::to_string(port_) +
                              " 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
                              "connection_messages false\npersistence true\n"
                              "persistence_location " +
                              directory_.path() + "/\n" + configuration_;
  // As root it would change to a user who cannot write there.
  if (geteuid() == 0) configuration += "user root\n";
  write_file(directory_.file("conf"), configuration);
  // A user's PATH may lack the directory it is in.
  process_ = std::make_unique<Process>(
      Words{"sh", "-c", "PATH=$PATH:/usr/sbin; exec mosquitto -c \"$0\"", directory_.file("conf")},
      Streams{.merges_error = true});
  while (const auto line = process_->line(kPatience)) {
    if (!line->ends_with(" running")) continue;
    // Said a little early: a signal is lost until it serves its first client, even one it refuses.
    (void)publish("$ready", {});  // no subscriber of ours sees a topic with a $
    return true;
  }
  return false;
}

bool Mosquitto::publish(const std::string& topic, const std::string& payload) const {
  return run({"mosquitto_pub", "-h", "127.0.0.1", "-p", std::to_string(port_), "-t", topic, "-q",
              "1", "-m", payload})
             .code == 0;
}

void Mosquitto::end(int signal_number) {
  process_->signal(signal_number);
  while (auto line = process_->line(kPatience))
    log_.push_back(std::move(*line));
  process_->wait();
  process_.reset();
}

std::optional<std::string> Mosquitto::log_line(std::chrono::microseconds patience) {
  if (log_.empty()) return process_ ? process_->line(patience) : std::nullopt;
  std::string line = std::move(log_.front());
  log_.pop_front();
  return line;
}

Subscriber::Subscriber(const Mosquitto& broker, const std::string& filter, const Words& options) {
  Words words{"mosquitto_sub",
              "-h",
              "127.0.0.1",
              "-p",
              std::to_string(broker.port()),
              "-c",
              "-i",
              "subscriber",
              "-q",
              "1",
              "-t",
              filter};
  words.insert(words.end(), options.begin(), options.end());
  process_ = std::make_unique<Process>(words);
  // Its subscription stands when it hears us.
  for (int attempt = 0; attempt < 100; ++attempt) {
    REQUIRE(broker.publish("edgepost/test", "subscribed"));
    if (!next(std::chrono::milliseconds(100))) continue;
    while (next(std::chrono::milliseconds(100))) {  // the attempts before, if they came after all
    }
    return;
  }
  FAIL("mosquitto_sub does not subscribe");
}

}  // namespace edgepost::test
