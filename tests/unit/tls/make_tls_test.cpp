#include <doctest.h>

#include "edgepost/tls.hpp"
#include "identities.hpp"
#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost {
namespace {

struct MakeTlsFixture {
  test::TempDir directory{};
  TlsOptions options{};

  MakeTlsFixture() { options.ca_file = file("root.pem", test::kRoot); }

  [[nodiscard]] std::string file(const std::string& name, std::string_view text) const {
    test::write_file(directory.file(name), text);
    return directory.file(name);
  }

  void identify() {
    options.certificate_file = file("server.pem", test::kServer);
    options.key_file = file("server.key", test::kServerKey);
  }

  void use_psk() {
    options = {};
    options.psk_identity = "gate-7";
    options.psk.value = "0123456789abcdef";
  }

  /// The message of the refusal, without the directory.
  [[nodiscard]] std::string refusal(Code code = Code::invalid_argument) const {
    const auto made = make_tls(options);
    CHECK(made.status().code() == code);
    std::string message = made.status().message();
    const std::string path = directory.path() + "/";
    for (auto at = message.find(path); at != std::string::npos; at = message.find(path))
      message.erase(at, path.size());
    return message;
  }
};

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: roots alone are enough, and so is a pre-shared key") {
  CHECK(make_tls(options).is_ok());
  use_psk();
  CHECK(make_tls(options).is_ok());
  options.psk = {.value = std::string(16, '\0')};
  CHECK(make_tls(options).is_ok());
  options.psk = {.file = file("psk", std::string(128, 'F') + "\n")};
  CHECK(make_tls(options).is_ok());
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: everything at once is read") {
  identify();
  options.key_file = file("locked.key", test::kLockedKey);
  options.key_password.value = "open sesame";
  options.crl_file = file("root.crl", test::kNothingRevoked);
  options.pins = {"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="};
  options.alpn = {"mqtt"};
  options.oldest = TlsVersion::tls12;
  CHECK(make_tls(options).is_ok());
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: nothing to trust is refused [P-60]") {
  options.ca_file.clear();
  CHECK(refusal() == "tls: ca_file: there is nothing to trust; give roots, or a pre-shared key");
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: files that are not there are named") {
  options.ca_file += ".gone";
  CHECK(refusal(Code::io_error) == "tls: ca_file: root.pem.gone: No such file or directory");
  options.ca_file = file("root.pem", test::kRoot);
  options.crl_file = directory.file("gone");
  CHECK(refusal(Code::io_error) == "tls: crl_file: gone: No such file or directory");
  options.crl_file.clear();
  identify();
  options.key_file += ".gone";
  CHECK(refusal(Code::io_error) == "tls: key_file: server.key.gone: No such file or directory");
  options.certificate_file += ".gone";
  CHECK(refusal(Code::io_error) ==
        "tls: certificate_file: server.pem.gone: No such file or directory");
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: files that are no PEM are named") {
  options.ca_file = file("ca", "hello");
  CHECK(refusal().starts_with("tls: ca_file: ca: "));
  options.ca_file = file("ca", std::string(test::kRoot).substr(0, 300));
  CHECK(refusal().starts_with("tls: ca_file: ca: "));
  options.ca_file = file("root.pem", test::kRoot);
  options.crl_file = file("crl", "hello");
  CHECK(refusal().starts_with("tls: crl_file: crl: "));
  options.crl_file.clear();
  identify();
  options.key_file = file("key", "hello");
  CHECK(refusal().starts_with("tls: key_file: key: "));
  options.certificate_file = file("certificate", "hello");
  CHECK(refusal().starts_with("tls: certificate_file: certificate: "));
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a directory is not a file") {
  options.ca_file = directory.path();
  CHECK(refusal(Code::io_error).ends_with(": Is a directory"));
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a certificate and a key go together") {
  identify();
  options.key_file.clear();
  CHECK(refusal() == "tls: certificate_file and key_file: one without the other");
  options.key_file = file("root.key", test::kRootKey);
  CHECK(refusal() == "tls: key_file: root.key: it is not the key of server.pem");
}

TEST_CASE_FIXTURE(MakeTlsFixture,
                  "make_tls: a password must be the key's, and is never shown [P-61]") {
  identify();
  options.key_file = file("locked.key", test::kLockedKey);
  CHECK(refusal().starts_with("tls: key_file: locked.key: "));
  options.key_password.value = "open barley";
  CHECK(refusal().starts_with("tls: key_file: locked.key: "));
  CHECK(refusal().find("barley") == std::string::npos);
  options.key_file.clear();
  options.certificate_file.clear();
  CHECK(refusal() == "tls: key_password: there is no key_file to it");
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a pin is 32 bytes in base64") {
  for (const char* pin : {"", "abc", "AAAA", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUAAA=="}) {
    options.pins = {pin};
    CHECK(refusal() == std::string("tls: pins: '") + pin + "' is not 32 bytes in base64");
  }
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a protocol of ALPN has 1 to 255 bytes") {
  for (const std::string& protocol : {std::string(), std::string(256, 'x'), std::string(1, '\0')}) {
    options.alpn = {"mqtt", protocol};
    CHECK(refusal() == "tls: alpn: a protocol has 1 to 255 bytes, without NUL");
  }
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a server name is a host name") {
  options.server_name = "gate example";
  CHECK(refusal() == "tls: server_name: 'gate example' is no host name");
  options.server_name = std::string(254, 'x');
  CHECK(refusal().starts_with("tls: server_name: "));
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a pre-shared key and its identity go together") {
  use_psk();
  options.psk = {};
  CHECK(refusal() == "tls: psk_identity: there is no psk to it");
  use_psk();
  options.psk_identity.clear();
  CHECK(refusal() == "tls: psk: there is no psk_identity to it");
  options.psk_identity = std::string(129, 'x');
  CHECK(refusal() == "tls: psk_identity: longer than 128 bytes");
}

TEST_CASE_FIXTURE(MakeTlsFixture,
                  "make_tls: a pre-shared key has 16 to 64 bytes, in a file hex [P-61]") {
  use_psk();
  options.psk.value = "too short";
  CHECK(refusal() == "tls: psk: 16 to 64 bytes, not 9");
  options.psk = {.file = file("psk", std::string(130, 'a'))};
  CHECK(refusal() == "tls: psk: 16 to 64 bytes, not 65");
  options.psk = {.file = file("psk", std::string(31, 'a') + "g")};
  CHECK(refusal() == "tls: psk: psk: no hex");
  options.psk = {.file = directory.file("gone")};
  CHECK(refusal(Code::io_error).starts_with("tls: psk: "));
}

TEST_CASE_FIXTURE(MakeTlsFixture, "make_tls: a pre-shared key excludes certificates and TLS 1.2") {
  use_psk();
  options.ca_file = file("root.pem", test::kRoot);
  CHECK(refusal() ==
        "tls: psk: it excludes certificates (ca_file, certificate_file, pins, crl_file)");
  use_psk();
  options.oldest = TlsVersion::tls12;
  CHECK(refusal() == "tls: psk: it needs TLS 1.3 (oldest)");
}

}  // namespace
}  // namespace edgepost
