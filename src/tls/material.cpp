#include "tls/material.hpp"

extern "C" {
#include <mbedtls/base64.h>
#include <mbedtls/platform_util.h>
}

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace edgepost::tls {
namespace {

// A fleet's revocation list can be some MiB; nothing honest is larger.
constexpr std::streamoff kFileBytesMax = 16 * 1024 * 1024;

constexpr std::size_t kPinBytes = 32;

// ChaCha20 comes first: without instructions for AES it is several times as fast and takes the same
// time whatever the key is; with them Mbed TLS still does 480 MB/s against 318 (x86-64, -O2).
constexpr int kSuites13[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                             0};

// Key exchange with forward secrecy, authenticated encryption, nothing else (RFC 9325).
constexpr int kSuites12[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                             MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                             MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                             MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                             0};

// A pre-shared key from outside goes with SHA-256 (RFC 8446, section 4.2.11).
constexpr int kSuitesPsk[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                              MBEDTLS_TLS1_3_AES_128_GCM_SHA256, 0};

const unsigned char* raw(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}

/// The bytes of a file; with the zero behind them they are what Mbed TLS takes for PEM.
Result<std::string> read_file(const char* option, const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return Status(Code::io_error, "tls: " + std::string(option) + ": " + path + ": Is a directory");
  }
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  const std::streamoff size = file ? std::streamoff(file.tellg()) : -1;
  std::string bytes;
  if (size >= 0 && size <= kFileBytesMax) {
    bytes.resize(static_cast<std::size_t>(size));
    file.seekg(0);
    file.read(bytes.data(), static_cast<std::streamsize>(size));
  }
  const std::string where = std::string(option) + ": " + path + ": ";
  if (size > kFileBytesMax) return invalid(where + "it is larger than 16 MiB");
  if (!file) {
    const int error = errno == 0 ? EIO : errno;
    return Status(Code::io_error, "tls: " + where + std::generic_category().message(error));
  }
  return bytes;
}

std::vector<std::int64_t> stamps_of(const TlsOptions& options) {
  std::vector<std::int64_t> stamps;
  for (const std::string* path :
       {&options.ca_file, &options.certificate_file, &options.key_file, &options.crl_file}) {
    struct stat found {};
    if (path->empty() || ::stat(path->c_str(), &found) != 0) found = {};
    stamps.insert(stamps.end(), {static_cast<std::int64_t>(found.st_mtim.tv_sec),
                                 static_cast<std::int64_t>(found.st_mtim.tv_nsec),
                                 static_cast<std::int64_t>(found.st_size),
                                 static_cast<std::int64_t>(found.st_ino)});
  }
  return stamps;
}

Result<std::string> read_psk(const TlsOptions& options) {
  if (options.psk.is_empty()) return std::string();
  Result<std::string> read = read_secret(options.psk);
  if (!read) return Status(read.status().code(), "tls: psk: " + read.status().message());
  if (options.psk.file.empty()) return read;
  std::string bytes;
  for (std::size_t at = 0; at + 1 < read->size(); at += 2) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    const auto digit = [&](std::size_t i) {
      return kDigits.find(static_cast<char>((*read)[i] | 0x20));
    };
    if (digit(at) == std::string_view::npos || digit(at + 1) == std::string_view::npos) break;
    bytes.push_back(static_cast<char>(digit(at) * 16 + digit(at + 1)));
  }
  if (bytes.size() * 2 != read->size()) return invalid("psk: " + options.psk.file + ": no hex");
  return bytes;
}

}  // namespace

Status invalid(const std::string& what) { return {Code::invalid_argument, "tls: " + what}; }

Sessions::Saved Sessions::take(const std::string& server, Timestamp now) {
  const std::lock_guard lock(mutex_);
  const auto found = saved_.find(server);
  if (found == saved_.end()) return {};
  Saved saved = std::move(found->second);
  saved_.erase(found);
  return now < saved.valid_until ? std::move(saved) : Saved{};
}

void Sessions::put(const std::string& server, Saved saved) {
  // An uplink has few servers; one that is looked up under ever new names must not fill the memory.
  constexpr std::size_t kServersMax = 16;
  const std::lock_guard lock(mutex_);
  if (saved_.size() >= kServersMax && !saved_.contains(server)) saved_.clear();
  saved_[server] = std::move(saved);
}

Result<std::shared_ptr<Material>> Material::read(const TlsOptions& options,
                                                 const Platform& platform) {
  auto material = std::make_shared<Material>();
  // Taken first: a file that changes while it is read is read again the next time.
  material->stamps_ = stamps_of(options);
  Result<std::string> psk = read_psk(options);
  if (!psk) return psk.status();
  material->psk_ = std::move(*psk);
  Status status = material->read_roots(options, *platform.logger);
  if (status.is_ok()) status = material->read_revoked(options);
  if (status.is_ok()) status = material->read_identity(options);
  if (status.is_ok()) status = material->read_pins(options);
  if (status.is_ok()) status = material->configure(options);
  if (!status.is_ok()) return status;
  return material;
}

bool Material::is_outdated(const TlsOptions& options) const {
  if (stamps_of(options) != stamps_) return true;
  const Result<std::string> psk = read_psk(options);
  return !psk || *psk != psk_;
}

Status Material::read_roots(const TlsOptions& options, Logger& logger) {
  if (options.ca_file.empty()) return {};
  const Result<std::string> bytes = read_file("ca_file", options.ca_file);
  if (!bytes) return bytes.status();
  const int code = mbedtls_x509_crt_parse(roots_.get(), raw(*bytes), bytes->size() + 1);
  if (code < 0) return invalid("ca_file: " + options.ca_file + ": " + error_text(code));
  if (code > 0) {
    // The bundles of distributions have roots of kinds that TLS 1.3 does not know.
    logger.write(LogLevel::warning, "tls",
                 "ca_file: " + options.ca_file + ": " + std::to_string(code) +
                     " certificates cannot be read and are not trusted");
  }
  return {};
}

Status Material::read_revoked(const TlsOptions& options) {
  if (options.crl_file.empty()) return {};
  const Result<std::string> bytes = read_file("crl_file", options.crl_file);
  if (!bytes) return bytes.status();
  const int code = mbedtls_x509_crl_parse(revoked_.get(), raw(*bytes), bytes->size() + 1);
  if (code != 0) return invalid("crl_file: " + options.crl_file + ": " + error_text(code));
  return {};
}

Status Material::read_identity(const TlsOptions& options) {
  if (options.certificate_file.empty()) return {};
  const Result<std::string> bytes = read_file("certificate_file", options.certificate_file);
  if (!bytes) return bytes.status();
  int code = mbedtls_x509_crt_parse(certificate_.get(), raw(*bytes), bytes->size() + 1);
  if (code != 0) {
    return invalid("certificate_file: " + options.certificate_file + ": " +
                   (code > 0 ? "a certificate in it cannot be read" : error_text(code)));
  }
  Result<std::string> key = read_file("key_file", options.key_file);
  if (!key) return key.status();
  std::string password;
  if (!options.key_password.is_empty()) {
    Result<std::string> read = read_secret(options.key_password);
    if (!read) return {read.status().code(), "tls: key_password: " + read.status().message()};
    password = std::move(*read);
  }
  code = mbedtls_pk_parse_key(key_.get(), raw(*key), key->size() + 1,
                              password.empty() ? nullptr : raw(password), password.size(),
                              mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
  mbedtls_platform_zeroize(key->data(), key->size());
  mbedtls_platform_zeroize(password.data(), password.size());
  if (code != 0) return invalid("key_file: " + options.key_file + ": " + error_text(code));
  if (mbedtls_pk_check_pair(&certificate_.get()->pk, key_.get(), mbedtls_psa_get_random,
                            MBEDTLS_PSA_RANDOM_STATE) != 0) {
    return invalid("key_file: " + options.key_file + ": it is not the key of " +
                   options.certificate_file);
  }
  has_certificate_ = true;
  return {};
}

Status Material::read_pins(const TlsOptions& options) {
  for (const std::string& pin : options.pins) {
    std::array<unsigned char, kPinBytes + 1> bytes{};
    std::size_t size = 0;
    if (mbedtls_base64_decode(bytes.data(), bytes.size(), &size, raw(pin), pin.size()) != 0 ||
        size != kPinBytes) {
      return invalid("pins: '" + pin + "' is not 32 bytes in base64");
    }
    pins_.emplace_back(reinterpret_cast<const char*>(bytes.data()), size);
  }
  return {};
}

Status Material::configure(const TlsOptions& options) {
  mbedtls_ssl_config* const config = config_.get();
  int code = mbedtls_ssl_config_defaults(config, MBEDTLS_SSL_IS_CLIENT,
                                         MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  if (code != 0) return {Code::io_error, "tls: " + error_text(code)};
  const bool is_old = options.oldest == TlsVersion::tls12;
  mbedtls_ssl_conf_rng(config, mbedtls_psa_get_random, MBEDTLS_PSA_RANDOM_STATE);
  mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_min_tls_version(
      config, is_old ? MBEDTLS_SSL_VERSION_TLS1_2 : MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
  mbedtls_ssl_conf_ciphersuites(config, has_psk() ? kSuitesPsk : is_old ? kSuites12 : kSuites13);
  // Also a resumed session gets keys of its own from a new key exchange.
  mbedtls_ssl_conf_tls13_key_exchange_modes(
      config, has_psk() ? MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL
                        : MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ALL);
  mbedtls_ssl_conf_ca_chain(config, roots_.get(),
                            options.crl_file.empty() ? nullptr : revoked_.get());
  const int tickets = options.resume ? 1 : 0;
  mbedtls_ssl_conf_session_tickets(config, tickets);
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(config, tickets);
  if (has_certificate_) code = mbedtls_ssl_conf_own_cert(config, certificate_.get(), key_.get());
  if (code == 0 && has_psk()) {
    code = mbedtls_ssl_conf_psk(config, raw(psk_), psk_.size(), raw(options.psk_identity),
                                options.psk_identity.size());
  }
  if (code != 0) return invalid("psk or certificate: " + error_text(code));
  alpn_texts_ = options.alpn;
  for (const std::string& protocol : alpn_texts_)
    alpn_.push_back(protocol.c_str());
  alpn_.push_back(nullptr);
  if (has_alpn()) code = mbedtls_ssl_conf_alpn_protocols(config, alpn_.data());
  if (code != 0) return invalid("alpn: " + error_text(code));
  return {};
}

}  // namespace edgepost::tls
