#include "support/nginx.hpp"

#include <unistd.h>

#include "support/loopback.hpp"

namespace edgepost::test {

Nginx::Nginx(const std::string& upstream, const std::string& settings) {
  close(listen_on_loopback(1, port_));
  std::string paths;
  for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"})
    paths += std::string(kind) + "_temp_path " + directory_.file(kind) + ";\n";
  write_file(directory_.file("nginx.conf"),
             "daemon off; master_process off; worker_processes 1;\n"
             "error_log stderr; pid " +
                 directory_.file("pid") +
                 ";\n"
                 "events { worker_connections 64; }\n"
                 "http { access_log off;\n" +
                 paths + "server { listen 127.0.0.1:" + std::to_string(port_) +
                 " ssl;\n"
                 "ssl_protocols TLSv1.3;\n" +
                 settings + "\nlocation / { proxy_pass " + upstream +
                 "; proxy_http_version 1.1; } } }\n");
  server_ = std::make_unique<Server>(
      // A user's PATH may lack the directory it is in.
      Server::Options{.words = {"sh", "-c", "PATH=$PATH:/usr/sbin; exec nginx -e stderr -c \"$0\"",
                                directory_.file("nginx.conf")},
                      .environment = {},
                      .log = directory_.file("log"),
                      .is_ready = [this] { return accepts_at(port_); }});
  start();
}

}  // namespace edgepost::test
