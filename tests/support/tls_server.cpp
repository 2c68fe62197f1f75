#include "support/tls_server.hpp"

namespace edgepost::test {

TlsServer::TlsServer(const Words& options, const Words& environment) {
  Words words{"openssl", "s_server", "-accept", "127.0.0.1:0", "-rev"};
  words.insert(words.end(), options.begin(), options.end());
  process_ = std::make_unique<Process>(words, Streams{.error = "/dev/null"}, environment);
  constexpr std::string_view kSign = "ACCEPT 127.0.0.1:";
  while (const auto line = process_->line(std::chrono::seconds(10))) {
    if (!line->starts_with(kSign)) continue;
    port_ = static_cast<std::uint16_t>(std::stoi(line->substr(kSign.size())));
    break;
  }
  CHECK(port_ != 0);
}

}  // namespace edgepost::test
