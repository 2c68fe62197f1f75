#include "support/nginx.hpp"

#include <doctest.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "support/loopback.hpp"

namespace edgepost::test {
namespace {

/// Whether someone listens.
bool accepts(int port) {
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

}  // namespace

Nginx::Nginx(const std::string& upstream, const std::string& settings) {
  close(listen_on_loopback(1, port_));
  const std::string temporary = directory_.file("");
  std::string paths;
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    paths += std::string(kind) + "_temp_path " + temporary + kind + ";\n";
  write_file(directory_.file("nginx.conf"),
             "daemon off; master_process off; worker_processes 1;\n"
             "error_log " +
                 directory_.file("log") + "; pid " + directory_.file("pid") +
                 ";\n"
                 "events { worker_connections 64; }\n"
                 "http { access_log off;\n" +
                 paths + "server { listen 127.0.0.1:" + std::to_string(port_) +
                 " ssl;\n"
                 "ssl_protocols TLSv1.3;\n" +
                 settings + "\nlocation / { proxy_pass " + upstream +
                 "; proxy_http_version 1.1; } } }\n");
  process_ = std::make_unique<Process>(
      Words{"nginx", "-c", directory_.file("nginx.conf"), "-e", directory_.file("log")});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!accepts(port_)) {
    REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline, read_file(directory_.file("log")));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace edgepost::test
