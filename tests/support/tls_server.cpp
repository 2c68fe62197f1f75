#include "support/tls_server.hpp"

namespace edgepost::test {

TlsServer::TlsServer(const Words& options, const Words& environment, std::uint16_t port)
    : port_(port) {
  Words words{"openssl", "s_server", "-accept", "127.0.0.1:" + std::to_string(port), "-rev"};
  words.insert(words.end(), options.begin(), options.end());
  process_ = std::make_unique<Process>(words, Streams{.error = "/dev/null"}, environment);
  constexpr std::string_view kSign = "ACCEPT";
  while (const auto line = process_->line(std::chrono::seconds(10))) {
    if (!line->starts_with(kSign)) continue;
    // It tells a port that it has chosen itself, behind the address.
    if (port == 0)
      port_ = static_cast<std::uint16_t>(std::stoi(line->substr(line->rfind(':') + 1)));
    break;
  }
  CHECK(port_ != 0);
}

}  // namespace edgepost::test
