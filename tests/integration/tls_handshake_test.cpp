// What TLS must keep out beyond certificates: revocation, versions, identities, foreign protocols.
#include <signal.h>

#include <thread>

#include "tls_fixture.hpp"

namespace edgepost::test {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";  // of 16 bytes, in hex

/// Made once for the program.
Pki& pki() {
  static Pki& made = []() -> Pki& {
    static Pki all;
    all.make_authority("root");
    all.make_authority("stranger");
    all.make_authority("middle", {.issuer = "root"});
    all.make("server", {.issuer = "root"});
    all.make("far", {.issuer = "middle"});
    all.make("client", {.issuer = "root", .names = ""});
    all.make("alien", {.issuer = "stranger", .names = ""});
    return all;
  }();
  return made;
}

/// Does something with each connection, on a thread of its own.
class Rogue {
 public:
  template <typename Act>
  explicit Rogue(Act act)
      : thread_([this, act] {
          for (int i = 0; i < 2; ++i)
            act(listener_.accept());
        }) {}
  ~Rogue() { thread_.join(); }
  Rogue(const Rogue&) = delete;
  Rogue& operator=(const Rogue&) = delete;

  [[nodiscard]] std::uint16_t port() const { return listener_.port(); }

 private:
  TcpListener listener_{};
  std::thread thread_;
};

/// Waits for the ClientHello.
void read_hello(const Peer& peer) {
  pollfd waiting{peer.number(), POLLIN, 0};
  CHECK(::poll(&waiting, 1, 10'000) == 1);
  bool is_over = false;
  CHECK_FALSE(peer.receive(4096, is_over).empty());
}

TlsOptions presenting(const std::string& name) {
  TlsOptions options = trusting(pki());
  options.certificate_file = pki().certificate(name);
  options.key_file = pki().key(name);
  return options;
}

/// A server that wants certificates of root.
Words asking() {
  return serving(pki(), "server",
                 {"-Verify", "3", "-verify_return_error", "-CAfile", pki().certificate("root")});
}

TlsOptions knowing(const std::string& identity, const std::string& key) {
  TlsOptions options;
  options.psk_identity = identity;
  options.psk.value = key;
  return options;
}

TEST_CASE("tls: a revoked certificate is refused, on the second connect too [P-33] [P-60]") {
  pki().revoke("root", {"server"});
  TlsOptions options = trusting(pki());
  options.crl_file = pki().crl("root");
  check_refused(serving(pki(), "server"), options, "the server's certificate is revoked");
}

TEST_CASE("tls: a revoked intermediate is refused [P-60]") {
  pki().revoke("root", {"middle"});
  TlsOptions options = trusting(pki());
  options.crl_file = pki().crl("root");
  check_refused(serving(pki(), "far", {"-cert_chain", pki().certificate("middle")}), options,
                "the issuer's certificate 'CN=middle' is revoked");
}

TEST_CASE("tls: a revocation list that is out of date is no proof [P-60]") {
  pki().revoke("root", {}, "20200101000000Z", "20210101000000Z");
  TlsOptions options = trusting(pki());
  options.crl_file = pki().crl("root");
  check_refused(serving(pki(), "server"), options,
                "the server's certificate: the revocation list of its issuer is out of date");
}

TEST_CASE("tls: a revocation list of another's hand is no proof [P-60]") {
  Pki other;
  other.make_authority("root");
  other.revoke("root", {});
  TlsOptions options = trusting(pki());
  options.crl_file = other.crl("root");
  check_refused(serving(pki(), "server"), options,
                "the server's certificate: the revocation list of its issuer is not genuine");
}

TEST_CASE("tls: a server without TLS 1.3 is refused [P-60]") {
  check_refused(serving(pki(), "server", {"-tls1_2"}), trusting(pki()),
                "the server knows no version of TLS that is new enough (alert 70)");
}

TEST_CASE("tls: TLS 1.1 is refused also where 1.2 was asked for [P-60]") {
  TlsOptions options = trusting(pki());
  options.oldest = TlsVersion::tls12;
  check_refused(serving(pki(), "server", {"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"}), options,
                "the server knows no version of TLS that is new enough (alert 70)");
}

TEST_CASE("tls: TLS 1.2 without authenticated encryption is refused [P-60]") {
  TlsOptions options = trusting(pki());
  options.oldest = TlsVersion::tls12;
  check_refused(serving(pki(), "server", {"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"}),
                options, "the server gives up: nothing in common (handshake failure) (alert 40)");
}

TEST_CASE("tls: TLS 1.2 without extended master secret is refused [P-60]") {
  write_file(pki().file("no_ems.conf"),
             "openssl_conf=a\n[a]\nssl_conf=b\n[b]\nsystem_default=c\n[c]\n"
             "Options=-ExtendedMasterSecret\n");
  const TlsServer server(serving(pki(), "server", {"-tls1_2"}),
                         {"OPENSSL_CONF=" + pki().file("no_ems.conf")});
  TlsOptions options = trusting(pki());
  options.oldest = TlsVersion::tls12;
  TlsClient client(options);
  check_refused(server.port(), client,
                "the server's TLS 1.2 has no extended master secret (RFC 7627)");
}

TEST_CASE("tls: a server that takes none of our protocols is refused [P-60]") {
  TlsOptions options = trusting(pki());
  options.alpn = {"mqtt", "x-amzn-mqtt-ca"};
  check_refused(serving(pki(), "server", {"-alpn", "h2"}), options,
                "the server takes no protocol of alpn (alert 120)");
  check_refused(serving(pki(), "server"), options, "the server takes no protocol of alpn");
}

TEST_CASE("tls: a server that wants a certificate says so, and it is named [P-60]") {
  check_refused(asking(), trusting(pki()),
                "the server wants a certificate, see certificate_file (alert 116)",
                AnswerClass::credentials);
}

TEST_CASE("tls: what the server has against our certificate is told as credentials [P-60]") {
  check_refused(asking(), presenting("alien"),
                "the server refuses our certificate: its issuer is unknown there (alert 48)",
                AnswerClass::credentials);
  Words later = asking();
  later.insert(later.end(), {"-attime", "2600000000"});
  check_refused(later, presenting("client"),
                "the server refuses our certificate: it has expired (alert 45)",
                AnswerClass::credentials);
  pki().revoke("root", {"client"});
  Words strict = asking();
  strict.insert(strict.end(), {"-crl_check", "-CRL", pki().crl("root")});
  check_refused(strict, presenting("client"),
                "the server refuses our certificate: it is revoked (alert 44)",
                AnswerClass::credentials);
}

TEST_CASE("tls: a pre-shared key that the server does not have is refused [P-60]") {
  const Words server{"-nocert", "-psk", std::string(kKey), "-psk_identity", "gate-7"};
  check_refused(server, knowing("gate-7", "another key, 16+ bytes"),
                "the server has another pre-shared key (alert 47)", AnswerClass::credentials);
  check_refused(server, knowing("gate-8", "another key, 16+ bytes"),
                "the server does not know psk_identity (alert 109)", AnswerClass::credentials);
}

TEST_CASE("tls: a server with a certificate cannot stand in for a pre-shared key [P-60]") {
  check_refused(serving(pki(), "server"), knowing("gate-7", "the key of 16 bytes and more"),
                "the server does not know psk_identity (alert 109)", AnswerClass::credentials);
}

TEST_CASE("tls: a captive portal in plain HTTP is refused [P-33]") {
  const Rogue portal([](Peer peer) {
    read_hello(peer);
    peer.send("HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n");
    peer.close();
  });
  TlsClient client(trusting(pki()));
  check_refused(portal.port(), client, "the server answers in plain HTTP, not TLS");
}

TEST_CASE("tls: a server that speaks something else is refused [P-33]") {
  const Rogue broker([](Peer peer) {
    read_hello(peer);
    peer.send(std::string_view("\x20\x02\x00\x01", 4));  // CONNACK: refused
    peer.close();
  });
  TlsClient client(trusting(pki()));
  check_refused(broker.port(), client, "the server does not speak TLS");
}

TEST_CASE("tls: a server that hangs up on the handshake is refused [P-33]") {
  for (const bool hard : {false, true}) {
    const Rogue broker([hard](Peer peer) {
      read_hello(peer);
      peer.close(hard);
    });
    TlsClient client(trusting(pki()));
    check_refused(broker.port(), client, "the connection was cut during the handshake");
  }
}

TEST_CASE("tls: a server that never answers is given up in time [P-33]") {
  const TcpListener silent;
  TlsClient client(trusting(pki()));
  client.set_timeout(std::chrono::milliseconds(100));
  check_refused(silent.port(), client, "handshake: no answer in time");
}

TEST_CASE("tls: a cut without a goodbye is a failure, never a clean end [P-33]") {
  const TlsServer server(serving(pki(), "server"));
  TlsClient client(trusting(pki()));
  auto channel = client.open(server.port());
  server.process().signal(SIGKILL);
  CHECK(drive(*channel, [&](Instant now) {
    channel->step(now);
    return channel->state() == tls::Channel::State::failed;
  }));
  CHECK(channel->failure().reason == "TLS: the connection was cut");
}

}  // namespace
}  // namespace edgepost::test
