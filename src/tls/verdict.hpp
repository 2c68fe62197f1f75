#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "edgepost/time.hpp"
#include "tls/mbed.hpp"

namespace edgepost::tls {

/// Judges a server's certificate chain: what Mbed TLS finds, and what it is too lenient about
/// (common names, wildcards, addresses, the purpose of intermediates, the clock of the platform,
/// pins); and says in words what is wrong.
class Verdict {
 public:
  /// Must outlive: `host`'s text is copied; `pins`, `roots` and `clock` this object.
  Verdict(std::string host, const std::vector<std::string>& pins, const mbedtls_x509_crt& roots,
          const Clock& clock)
      : host_(std::move(host)), pins_(pins), roots_(roots), clock_(clock) {}

  /// For mbedtls_ssl_set_verify(), with the verdict as the argument.
  static int judge(void* verdict, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags);

  /// Whether the server has shown a certificate. One that resumes a session shows none.
  [[nodiscard]] bool is_reached() const { return is_reached_; }

  /// When the first certificate of the chain expires.
  [[nodiscard]] Timestamp valid_until() const { return valid_until_; }

  /// What is wrong, `flags` being what Mbed TLS has found in the end; empty: nothing.
  [[nodiscard]] std::string reasons(std::uint32_t flags) const;

 private:
  void judge(const mbedtls_x509_crt& certificate, int depth, std::uint32_t& flags);
  void check_time(const mbedtls_x509_crt& certificate, std::uint32_t& flags);
  bool is_host_named(const mbedtls_x509_crt& certificate) const;
  void note(const mbedtls_x509_crt& certificate, int depth, std::uint32_t flags);
  [[nodiscard]] std::string describe_names(const mbedtls_x509_crt& certificate) const;
  [[nodiscard]] std::string describe_distrust(const mbedtls_x509_crt& first) const;
  void add(std::string reason) { reasons_.push_back(std::move(reason)); }

  std::string host_;
  const std::vector<std::string>& pins_;  // 32 bytes each
  const mbedtls_x509_crt& roots_;
  const Clock& clock_;
  bool is_reached_ = false;
  bool is_pinned_ = false;
  Timestamp valid_until_ = Timestamp::max();
  const mbedtls_x509_crt* distrusted_ = nullptr;  // valid while the chain is judged
  int distrusted_depth_ = 0;
  std::vector<std::string> reasons_{};
};

}  // namespace edgepost::tls
