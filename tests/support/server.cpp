#include "support/server.hpp"

#include <doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

namespace edgepost::test {

Server::Server(Options options) : options_(std::move(options)) {}

void Server::start() {
  Words words{"setpriv", "--pdeathsig", "KILL"};
  words.insert(words.end(), options_.words.begin(), options_.words.end());
  process_ = std::make_unique<Process>(words, Streams{.output = options_.log, .merges_error = true},
                                       options_.environment);
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(options_.patience_s);
  while (!options_.is_ready()) {
    if (std::chrono::steady_clock::now() > deadline) {
      FAIL_CHECK(options_.words.front() << " does not start:\n" << read_file(options_.log));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Server::end(int signal_number) {
  process_->signal(signal_number);
  process_->wait();
  process_.reset();
}

bool accepts_at(int port) {
  const int connection = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int failed =
      connect(connection, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  close(connection);
  return failed == 0;
}

bool speaks_mqtt_at(int port) {
  return accepts_at(port) &&
         run({"mosquitto_pub", "-V", "311", "-h", "127.0.0.1", "-p", std::to_string(port), "-i",
              "ready", "-t", "ready", "-n", "-q", "1"})
                 .code == 0;
}

}  // namespace edgepost::test
