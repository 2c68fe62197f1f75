// What TLS must let in: certificates, names, keys and sessions that are good.
#include "tls_fixture.hpp"

namespace edgepost::test {
namespace {

/// Made once for the program.
Pki& pki() {
  static Pki& made = []() -> Pki& {
    static Pki all;
    all.make_authority("root");
    all.make_authority("middle", {.issuer = "root"});
    all.make("server", {.issuer = "middle"});
    all.make("numeric", {.issuer = "root", .names = "IP:127.0.0.1"});
    all.make("wildcard", {.issuer = "root", .names = "DNS:*.gate.example"});
    all.make("client", {.issuer = "root", .key = "RSA:2048", .names = ""});
    return all;
  }();
  return made;
}

Words serving(const std::string& name, Words more = {}) {
  Words all{"-cert", pki().certificate(name), "-key", pki().key(name)};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

Words serving_chain(Words more = {}) {
  more.insert(more.end(), {"-cert_chain", pki().certificate("middle")});
  return serving("server", more);
}

TlsOptions trusting(const std::string& server_name = "gate.example") {
  TlsOptions options;
  options.ca_file = pki().certificate("root");
  options.server_name = server_name;
  return options;
}

TEST_CASE("tls: a server with a verified chain and name is served, by TLS 1.3 [P-60]") {
  const TlsServer server(serving_chain());
  TlsClient client(trusting());
  const auto outcome = client.connect(server.port());
  CHECK(outcome.failure.reason.empty());
  CHECK(outcome.is_served);
  CHECK(outcome.description == "TLSv1.3 TLS1-3-AES-128-GCM-SHA256");
}

}  // namespace
}  // namespace edgepost::test
