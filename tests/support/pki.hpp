#pragma once

#include <string>
#include <vector>

#include "support/process.hpp"
#include "support/temp_dir.hpp"

namespace edgepost::test {

/// How a certificate is made.
struct Wish {
  std::string issuer{};                    ///< Name of the issuer's; empty: it signs itself.
  std::string key = "EC";                  ///< `EC` (P-256), `RSA:<bits>`.
  std::string names = "DNS:gate.example";  ///< Subject alternative names; empty: none.
  std::string subject{};                   ///< Empty: `/CN=` and its own name.
  std::string hash = "sha256";
  std::vector<std::string> extensions{};  ///< Further ones, as in OpenSSL's configuration.
};

/// Certificates by the openssl command, in a directory of their own. Each has a name, `x`, and the
/// files x.pem and x.key; they are valid from now on for ten years.
class Pki {
 public:
  Pki();

  /// Makes a root, an intermediate (with `issuer`) or a server's or client's certificate.
  void make_authority(const std::string& name, Wish wish = {},
                      const std::string& constraint = "critical,CA:TRUE");
  void make(const std::string& name, const Wish& wish);

  /// Puts certificates one after the other into `name`.pem.
  void join(const std::string& name, const std::vector<std::string>& parts) const;

  /// Makes `issuer`.crl with these revoked, valid from `from` to `to` (`YYYYMMDDHHMMSSZ`).
  void revoke(const std::string& issuer, const std::vector<std::string>& names,
              const std::string& from = "20260101000000Z",
              const std::string& to = "20360101000000Z") const;

  /// SHA-256 of the public key, in base64.
  [[nodiscard]] std::string pin(const std::string& name) const;

  [[nodiscard]] std::string certificate(const std::string& name) const {
    return directory_.file(name + ".pem");
  }
  [[nodiscard]] std::string key(const std::string& name) const {
    return directory_.file(name + ".key");
  }
  [[nodiscard]] std::string crl(const std::string& name) const {
    return directory_.file(name + ".crl");
  }
  [[nodiscard]] std::string file(const std::string& name) const { return directory_.file(name); }

 private:
  TempDir directory_;
};

}  // namespace edgepost::test
