// The certificates that TLS must keep out, and what it says about them. Each is tried twice.
#include "tls_fixture.hpp"

namespace edgepost::test {
namespace {

/// Made once for the program.
Pki& pki() {
  static Pki& made = []() -> Pki& {
    static Pki all;
    all.make_authority("root");
    all.make_authority("stranger");
    all.make_authority("middle", {.issuer = "root"});
    all.make_authority("short", {.issuer = "root"}, "critical,CA:TRUE,pathlen:0");
    all.make_authority("long", {.issuer = "short"});
    all.make_authority("powerless", {.issuer = "root"}, "CA:FALSE");
    all.make_authority("mute", {.issuer = "root", .extensions = {"keyUsage=critical,cRLSign"}});
    all.make_authority("clerk", {.issuer = "root", .extensions = {"extendedKeyUsage=clientAuth"}});
    all.make_authority("impostor", {.issuer = "stranger", .subject = "/CN=middle"});
    for (const char* issuer :
         {"root", "middle", "stranger", "long", "powerless", "mute", "clerk", "impostor"}) {
      all.make(std::string("by_") + issuer, {.issuer = issuer});
    }
    all.make("selfmade", {});
    return all;
  }();
  return made;
}

/// Makes a certificate of its own for one case.
std::string make(const std::string& name, Wish wish) {
  if (wish.issuer.empty()) wish.issuer = "root";
  pki().make(name, wish);
  return name;
}

Words weak(const std::string& name) { return serving(pki(), name, {"-cipher", "ALL:@SECLEVEL=0"}); }

TEST_CASE("tls: an expired certificate is refused, on the second connect too [P-33] [P-60]") {
  const TlsServer server(serving(pki(), "by_root"));
  TlsClient client(trusting(pki()));
  client.clock().set_wall(std::chrono::sys_days(std::chrono::year(2050) / 1 / 2));
  const std::string reason = client.connect(server.port()).failure.reason;
  CHECK(reason.starts_with("TLS: the issuer's certificate 'CN=root' expired on 203"));
  CHECK(reason.find("; the server's certificate expired on 203") != std::string::npos);
  CHECK(reason.ends_with("; this machine's clock says 2050-01-02T00:00:00Z"));
  check_refused(server.port(), client, reason.substr(5));
}

TEST_CASE("tls: a certificate that is not yet valid is refused [P-33] [P-60]") {
  const TlsServer server(serving(pki(), "by_root"));
  TlsClient client(trusting(pki()));
  client.clock().set_wall(Timestamp{});
  const std::string reason = client.connect(server.port()).failure.reason;
  CHECK(reason.find("the server's certificate is not valid before 20") != std::string::npos);
  CHECK(reason.ends_with("; this machine's clock says 1970-01-01T00:00:00Z"));
  check_refused(server.port(), client, reason.substr(5));
}

TEST_CASE("tls: a certificate of an unknown root is refused [P-33] [P-60]") {
  check_refused(serving(pki(), "by_stranger"), trusting(pki()),
                "the server's certificate comes from 'CN=stranger', which is neither in ca_file "
                "nor sent by the server");
}

TEST_CASE("tls: an unknown root that is sent along is refused [P-60]") {
  check_refused(
      serving(pki(), "by_stranger", {"-cert_chain", pki().certificate("stranger")}),
      trusting(pki()),
      "the issuer's certificate 'CN=stranger' has signed itself and is not among the roots in "
      "ca_file");
}

TEST_CASE("tls: a certificate that has signed itself is refused [P-60]") {
  check_refused(serving(pki(), "selfmade"), trusting(pki()),
                "the server's certificate has signed itself and is not among the roots in ca_file");
}

TEST_CASE("tls: a chain without its intermediate is refused [P-60]") {
  check_refused(serving(pki(), "by_middle"), trusting(pki()),
                "the server's certificate comes from 'CN=middle', which is neither in ca_file nor "
                "sent by the server");
}

TEST_CASE("tls: an intermediate of the right name and the wrong key is refused [P-60]") {
  check_refused(serving(pki(), "by_impostor", {"-cert_chain", pki().certificate("middle")}),
                trusting(pki()),
                "the server's certificate has not been signed by 'CN=middle', as it says: the "
                "signature is wrong");
}

TEST_CASE("tls: an issuer that is no authority is refused [P-60]") {
  check_refused(serving(pki(), "by_powerless", {"-cert_chain", pki().certificate("powerless")}),
                trusting(pki()),
                "the server's certificate comes from 'CN=powerless', which is no certificate "
                "authority (CA:FALSE)");
}

TEST_CASE("tls: an issuer that may not sign certificates is refused [P-60]") {
  check_refused(serving(pki(), "by_mute", {"-cert_chain", pki().certificate("mute")}),
                trusting(pki()),
                "the server's certificate comes from 'CN=mute', which may not sign certificates "
                "(key usage)");
}

TEST_CASE("tls: a chain longer than an issuer allows is refused [P-60]") {
  pki().join("chain", {"long", "short"});
  check_refused(serving(pki(), "by_long", {"-cert_chain", pki().certificate("chain")}),
                trusting(pki()),
                "the issuer's certificate 'CN=long' comes from 'CN=short', which allows no chain "
                "of this length (path length)");
}

TEST_CASE("tls: an intermediate that is not for servers is refused [P-60]") {
  check_refused(serving(pki(), "by_clerk", {"-cert_chain", pki().certificate("clerk")}),
                trusting(pki()),
                "the issuer's certificate 'CN=clerk' is not for servers (extended key usage)");
}

TEST_CASE("tls: a certificate for clients is refused [P-60]") {
  const std::string name = make("for_clients", {.extensions = {"extendedKeyUsage=clientAuth"}});
  check_refused(serving(pki(), name), trusting(pki()),
                "the server's certificate is not for servers (extended key usage)");
}

TEST_CASE("tls: a certificate that may not sign is refused [P-60]") {
  const std::string name = make("unsigning", {.extensions = {"keyUsage=critical,keyAgreement"}});
  check_refused(serving(pki(), name), trusting(pki()),
                "the server's certificate may not sign a handshake (key usage)");
}

TEST_CASE("tls: a critical extension that nobody knows is refused [P-60]") {
  const std::string name = make("odd", {.extensions = {"1.2.3.4=critical,ASN1:UTF8:odd"}});
  check_refused(
      serving(pki(), name), trusting(pki()),
      "the server's certificate cannot be read: X509 - The extension tag or value is invalid : "
      "ASN1 - ASN1 tag was of an unexpected value");
}

TEST_CASE("tls: a weak key is refused [P-60]") {
  const std::string name = make("weak", {.key = "RSA:1024"});
  check_refused(weak(name), trusting(pki()),
                "the server's certificate or its issuer's has a key that is too weak");
}

TEST_CASE("tls: a signature with SHA-1 is refused [P-60]") {
  const std::string name = make("old", {.hash = "sha1"});
  check_refused(weak(name), trusting(pki()),
                "the server's certificate is signed with an outdated hash");
}

/// A server whose certificate has these names, and a client that asks for `host`.
void check_names(const std::string& names, const std::string& host, const std::string& reason) {
  static int count = 0;
  const std::string name =
      make("named" + std::to_string(++count), {.names = names, .subject = "/CN=gate.example"});
  check_refused(serving(pki(), name), trusting(pki(), host), reason);
}

TEST_CASE("tls: the name of another host is refused [P-33] [P-60]") {
  check_names("DNS:gate.example,DNS:*.b.example,IP:10.0.0.1", "other.example",
              "the server's certificate is not for other.example but for gate.example, "
              "*.b.example, 10.0.0.1");
}

TEST_CASE("tls: a common name counts for nothing [P-60]") {
  check_names("", "gate.example",
              "the server's certificate is not for gate.example: it has no subject alternative "
              "name, and no other name counts");
}

TEST_CASE("tls: an address is not a name, nor a name an address [P-60]") {
  check_names("DNS:127.0.0.1,DNS:*.0.0.1", "127.0.0.1",
              "the server's certificate is not for 127.0.0.1 but for 127.0.0.1, *.0.0.1");
  check_names("IP:10.0.0.1", "127.0.0.1",
              "the server's certificate is not for 127.0.0.1 but for 10.0.0.1");
}

TEST_CASE("tls: a wildcard under a top-level domain, or alone, is refused [P-60]") {
  check_names("DNS:*.example,DNS:*", "gate.example",
              "the server's certificate is not for gate.example but for *.example, *");
}

TEST_CASE("tls: a wildcard stands for one whole label and nothing else [P-60]") {
  check_names("DNS:*.gate.example,DNS:g*.example,DNS:a.*.example", "a.b.gate.example",
              "the server's certificate is not for a.b.gate.example but for *.gate.example, "
              "g*.example, a.*.example");
  check_names("DNS:*.gate.example,DNS:g*.example", "gate.example",
              "the server's certificate is not for gate.example but for *.gate.example, "
              "g*.example");
}

TEST_CASE("tls: a chain without a pinned key is refused, and the key is named [P-60]") {
  TlsOptions options = trusting(pki());
  options.pins = {pki().pin("stranger")};
  check_refused(
      serving(pki(), "by_root"), options,
      "no public key of the chain is among the pins; the server's own is " + pki().pin("by_root"));
}

}  // namespace
}  // namespace edgepost::test
