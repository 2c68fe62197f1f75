// What TLS must let in: certificates, names, keys and sessions that are good.
#include "tls_fixture.hpp"

namespace edgepost::test {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";  // of 16 bytes, in hex

/// Made once for the program.
Pki& pki() {
  static Pki& made = []() -> Pki& {
    static Pki all;
    all.make_authority("root");
    all.make_authority("middle", {.issuer = "root"});
    all.make("server", {.issuer = "middle"});
    all.make("rsa", {.issuer = "root", .key = "RSA:2048"});
    all.make("numeric", {.issuer = "root", .names = "IP:127.0.0.1"});
    all.make("wildcard", {.issuer = "root", .names = "DNS:*.gate.example"});
    all.make("client", {.issuer = "root", .names = ""});
    all.make("rsa_client", {.issuer = "root", .key = "RSA:2048", .names = ""});
    return all;
  }();
  return made;
}

/// `server`, and the intermediate that signed it.
Words serving_chain(Words more = {}) {
  more.insert(more.end(), {"-cert_chain", pki().certificate("middle")});
  return serving(pki(), "server", more);
}

/// A server that wants certificates of root.
Words asking() {
  return serving_chain(
      {"-Verify", "3", "-verify_return_error", "-CAfile", pki().certificate("root")});
}

void check_served(const TlsServer& server, TlsClient& client,
                  const std::string& description = "TLSv1.3 TLS1-3-CHACHA20-POLY1305-SHA256") {
  const TlsClient::Outcome outcome = client.connect(server.port());
  CHECK(outcome.failure.reason.empty());
  CHECK(outcome.is_served);
  CHECK(outcome.description == description);
}

void check_served(const Words& options, const TlsOptions& trust) {
  const TlsServer server(options);
  TlsClient client(trust);
  check_served(server, client);
}

TEST_CASE("tls: a server with a verified chain and name is served, by TLS 1.3 [P-60]") {
  check_served(serving_chain(), trusting(pki()));
  check_served(serving(pki(), "rsa"), trusting(pki()));
}

TEST_CASE("tls: names are compared without regard to case") {
  check_served(serving_chain(), trusting(pki(), "GATE.Example."));
}

TEST_CASE("tls: a wildcard stands for one label") {
  check_served(serving(pki(), "wildcard"), trusting(pki(), "a.gate.example"));
}

TEST_CASE("tls: without a server name the host of the address counts, also a numeric one") {
  check_served(serving(pki(), "numeric"), trusting(pki(), ""));
}

TEST_CASE("tls: a revocation list without the server's certificate changes nothing") {
  pki().revoke("root", {"wildcard"});
  TlsOptions options = trusting(pki());
  options.crl_file = pki().crl("root");
  check_served(serving_chain(), options);
}

TEST_CASE("tls: a pinned key anywhere in the chain is enough") {
  for (const char* name : {"server", "middle", "root"}) {
    TlsOptions options = trusting(pki());
    options.pins = {pki().pin("client"), pki().pin(name)};
    check_served(serving_chain(), options);
  }
}

TEST_CASE("tls: a server that takes one of our protocols is served") {
  TlsOptions options = trusting(pki());
  options.alpn = {"x-amzn-mqtt-ca", "mqtt"};
  check_served(serving_chain({"-alpn", "mqtt,h2"}), options);
}

TEST_CASE("tls: a server that asks for our certificate gets it") {
  for (const char* name : {"client", "rsa_client"}) {
    TlsOptions options = trusting(pki());
    options.certificate_file = pki().certificate(name);
    options.key_file = pki().key(name);
    check_served(asking(), options);
  }
}

TEST_CASE("tls: a key with a password is read") {
  const Outcome made =
      run({"openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:open sesame",
           "-in", pki().key("client"), "-out", pki().key("locked")});
  CHECK(made.code == 0);
  TlsOptions options = trusting(pki());
  options.certificate_file = pki().certificate("client");
  options.key_file = pki().key("locked");
  options.key_password.value = "open sesame";
  check_served(asking(), options);
}

TEST_CASE("tls: a pre-shared key does without certificates") {
  const Words server{"-nocert", "-psk", std::string(kKey), "-psk_identity", "gate-7"};
  TlsOptions options;
  options.psk_identity = "gate-7";
  write_file(pki().file("psk"), std::string(kKey) + "\n");
  options.psk.file = pki().file("psk");
  check_served(server, options);
}

TEST_CASE("tls: TLS 1.2 is spoken where it was asked for by name [P-60]") {
  TlsOptions options = trusting(pki());
  options.oldest = TlsVersion::tls12;
  TlsClient client(options);
  const TlsServer old(serving_chain({"-tls1_2"}));
  check_served(old, client, "TLSv1.2 TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256");
  check_served(old, client, "TLSv1.2 TLS-ECDHE-ECDSA-WITH-CHACHA20-POLY1305-SHA256");
  const TlsServer both(serving_chain());
  check_served(both, client);
}

constexpr const char* kResumed = "TLSv1.3 TLS1-3-CHACHA20-POLY1305-SHA256, resumed";

/// What a connection cost on the wire, both ways.
std::uint64_t bytes(const TlsClient::Outcome& outcome) {
  CHECK(outcome.is_served);
  return outcome.traffic.sent + outcome.traffic.received;
}

TEST_CASE("tls: a resumed session takes 40 % of the bytes of a new one at most") {
  pki().make_authority("rsa_root", {.key = "RSA:2048"});
  pki().make_authority("rsa_middle", {.issuer = "rsa_root", .key = "RSA:2048"});
  pki().make("far", {.issuer = "rsa_middle", .key = "RSA:2048"});
  TlsOptions options = trusting(pki());
  options.ca_file = pki().certificate("rsa_root");
  TlsClient client(options);
  const TlsServer server(
      serving(pki(), "far", {"-cert_chain", pki().certificate("rsa_middle"), "-num_tickets", "1"}));
  const std::uint64_t first = bytes(client.connect(server.port()));
  const TlsClient::Outcome outcome = client.connect(server.port());
  const std::uint64_t second = bytes(outcome);
  CHECK(outcome.description.ends_with(", resumed"));
  MESSAGE("bytes of a connection: ", first, ", resumed: ", second);
  CHECK(second * 10 <= first * 4);
}

TEST_CASE("tls: a session is resumed with our certificate, too") {
  TlsOptions options = trusting(pki());
  options.certificate_file = pki().certificate("client");
  options.key_file = pki().key("client");
  TlsClient client(options);
  const TlsServer server(asking());
  const std::uint64_t first = bytes(client.connect(server.port()));
  const TlsClient::Outcome outcome = client.connect(server.port());
  MESSAGE("bytes of a connection with small keys: ", first, ", resumed: ", bytes(outcome));
  CHECK(outcome.description == kResumed);
}

TEST_CASE("tls: a session is resumed only when that is wanted") {
  TlsOptions options = trusting(pki());
  options.resume = false;
  TlsClient client(options);
  const TlsServer server(serving_chain());
  check_served(server, client);
  check_served(server, client);
}

TEST_CASE("tls: a session is not taken up after a day [P-60]") {
  TlsClient client(trusting(pki()));
  const TlsServer server(serving_chain());
  check_served(server, client);
  client.clock().jump_wall(std::chrono::hours(23));
  check_served(server, client, kResumed);
  client.clock().jump_wall(std::chrono::hours(2));
  check_served(server, client);
}

TEST_CASE("tls: a session does not outlive the trust it was begun with [P-60]") {
  Pki other;
  other.make_authority("root");
  TlsOptions options = trusting(pki());
  options.ca_file = pki().file("trusted.pem");
  write_file(options.ca_file, read_file(pki().certificate("root")));
  TlsClient client(options);
  const TlsServer server(serving_chain());
  check_served(server, client);
  write_file(options.ca_file, read_file(other.certificate("root")));
  CHECK_FALSE(client.connect(server.port()).is_served);
  write_file(options.ca_file, read_file(pki().certificate("root")));
  check_served(server, client);
}

TEST_CASE("tls: a server that forgot the session is served anew") {
  TlsClient client(trusting(pki()));
  auto server = std::make_unique<TlsServer>(serving_chain());
  const std::uint16_t port = server->port();
  check_served(*server, client);
  server.reset();
  const TlsServer successor(serving_chain(), {}, port);
  check_served(successor, client);
}

TEST_CASE("tls: a renewed certificate is shown at the next connection, without a restart") {
  TlsOptions options = trusting(pki());
  options.resume = false;
  options.certificate_file = pki().certificate("renewed");
  options.key_file = pki().key("renewed");
  pki().make("renewed", {.names = ""});  // signed by itself: the server does not take it
  TlsClient client(options);
  const TlsServer server(asking());
  CHECK(client.connect(server.port()).failure.meaning == AnswerClass::credentials);
  pki().make("renewed", {.issuer = "root", .names = ""});
  check_served(server, client);
}

TEST_CASE("tls: a renewal that is no good is told, and harms no connection in use") {
  TlsOptions options = trusting(pki());
  options.ca_file = pki().file("broken.pem");
  write_file(options.ca_file, read_file(pki().certificate("root")));
  TlsClient client(options);
  const TlsServer server(serving_chain());
  const auto channel = client.open(server.port());
  write_file(options.ca_file, "-----BEGIN CERTIFICATE-----\n");
  const auto refused = client.open(server.port());
  CHECK(refused->state() == tls::Channel::State::failed);
  CHECK(refused->failure().reason.starts_with("tls: ca_file: " + options.ca_file + ": "));
  const Peer library = connect_to_path(channel->path());
  library.send("still here\n");
  std::string echo;
  bool is_over = false;
  CHECK(drive(*channel, [&](Instant now) {
    channel->step(now);
    echo += library.receive(100, is_over);
    return echo == "ereh llits\n";
  }));
}

}  // namespace
}  // namespace edgepost::test
