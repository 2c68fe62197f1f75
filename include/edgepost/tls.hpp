#pragma once

#include <memory>
#include <string>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/secret.hpp"
#include "edgepost/status.hpp"

namespace edgepost {

/// The oldest version of TLS that is accepted.
enum class TlsVersion : unsigned char {
  tls13,  ///< RFC 8446.
  tls12,  ///< RFC 5246 with ECDHE, AEAD and extended master secret only. For old servers.
};

/// Whom to trust and who we are. Files are PEM; they are read again for the next connection when
/// they have changed, so that a renewed certificate needs no restart.
struct TlsOptions {
  std::string ca_file{};           ///< Roots. Required, unless there is a pre-shared key.
  std::string certificate_file{};  ///< Ours, with its chain, for servers that ask (mTLS).
  std::string key_file{};          ///< Its key; unencrypted, or with key_password.
  Secret key_password{};           ///< Of key_file; empty: none.
  /// The name that the server's certificate must have, and that is asked for (SNI, RFC 6066).
  /// Empty: the host of the URL. Only subject alternative names count (RFC 9525); a wildcard stands
  /// for one whole leftmost label, and never directly under a top-level domain.
  std::string server_name{};
  std::vector<std::string> alpn{};  ///< RFC 7301, in order of preference; the server must take one.
  std::string psk_identity{};       ///< With psk: no certificates, TLS 1.3 with ECDHE only.
  Secret psk{};  ///< 16 to 64 bytes; as `value` or by `source`, or hex in `file`.
  /// SHA-256 of a public key (SubjectPublicKeyInfo), in base64; one of the verified chain must be
  /// among them (RFC 7469, section 2.4). Empty: any.
  std::vector<std::string> pins{};
  std::string crl_file{};                 ///< Revoked certificates (RFC 5280, section 5).
  TlsVersion oldest = TlsVersion::tls13;  ///< See TlsVersion.
  bool resume = true;                     ///< Take up earlier sessions by their tickets.
};

/// Trust and identity that were read and checked, for any number of transports at once.
/// Owns: a copy of everything. Threads: any.
class Tls {
 public:
  virtual ~Tls() = default;

 protected:
  Tls() = default;
};

/// Reads and checks what TLS needs (Mbed TLS, part edgepost::tls), and runs its known-answer tests
/// the first time in a process.
/// Errors: invalid_argument, naming option and file: nothing to trust, certificate without key or
/// key that is not its own, malformed PEM, pin, ALPN name or key; io_error, naming the file;
/// unsupported when the cryptography fails its known-answer tests: the build is broken.
Result<std::shared_ptr<Tls>> make_tls(const TlsOptions& options, const Platform& platform = {});

}  // namespace edgepost
