#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/tls.hpp"
#include "tls/mbed.hpp"

namespace edgepost::tls {

/// What is wrong with an option, which `what` begins with.
Status invalid(const std::string& what);

/// Sessions to take up again (RFC 8446, section 2.2). Each ticket serves once, so that a refused
/// one is forgotten and no two connections can be told to be ours.
/// Threads: any.
class Sessions {
 public:
  struct Saved {
    std::unique_ptr<Session> session;
    Timestamp valid_until;  ///< Of the certificates it was begun with.
  };

  /// The newest session with `server` that is still good; forgets it. Null: none.
  Saved take(const std::string& server, Timestamp now);
  void put(const std::string& server, Saved saved);

 private:
  std::mutex mutex_;
  std::map<std::string, Saved> saved_;  // guarded by mutex_
};

/// What TlsOptions come to: files read, checked and made a configuration of Mbed TLS. It never
/// changes but for its sessions: when a file changes there is a new one, without sessions.
class Material {
 public:
  /// Errors: as make_tls().
  static Result<std::shared_ptr<Material>> read(const TlsOptions& options,
                                                const Platform& platform);

  /// Whether what it was read from has changed since.
  [[nodiscard]] bool is_outdated(const TlsOptions& options) const;

  [[nodiscard]] const mbedtls_ssl_config& config() const { return *config_.get(); }
  [[nodiscard]] const mbedtls_x509_crt& roots() const { return *roots_.get(); }
  [[nodiscard]] const std::vector<std::string>& pins() const { return pins_; }
  [[nodiscard]] bool has_certificate() const { return has_certificate_; }
  [[nodiscard]] bool has_psk() const { return !psk_.empty(); }
  [[nodiscard]] bool has_alpn() const { return alpn_.size() > 1; }
  Sessions& sessions() { return sessions_; }

 private:
  Status read_roots(const TlsOptions& options, Logger& logger);
  Status read_revoked(const TlsOptions& options);
  Status read_identity(const TlsOptions& options);
  Status read_pins(const TlsOptions& options);
  Status configure(const TlsOptions& options);

  std::vector<std::int64_t> stamps_{};
  Certificates roots_{};
  RevocationLists revoked_{};
  Certificates certificate_{};
  Key key_{};
  bool has_certificate_ = false;
  std::string psk_{};
  std::vector<std::string> alpn_texts_{};
  std::vector<const char*> alpn_{};  // with a null at the end
  std::vector<std::string> pins_{};  // 32 bytes each
  Config config_{};
  Sessions sessions_{};
};

}  // namespace edgepost::tls
