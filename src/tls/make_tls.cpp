#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <mutex>

#include "platform/platform.hpp"
#include "tls/crypto.hpp"
#include "tls/engine.hpp"
#include "tls/material.hpp"
#include "tls/secure.hpp"

namespace edgepost::tls {
namespace {

class MbedEngine final : public Engine {
 public:
  MbedEngine(TlsOptions options, const Platform& platform, std::shared_ptr<Material> material)
      : options_(std::move(options)), platform_(platform), material_(std::move(material)) {}

  Result<std::unique_ptr<Connection>> begin(int socket, const std::string& host) override;

 private:
  Result<std::shared_ptr<Material>> current();

  const TlsOptions options_;
  const Platform platform_;
  std::mutex mutex_;
  std::shared_ptr<Material> material_;  // guarded by mutex_
};

/// What identifies a server among those of one host.
std::string peer_port(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  // The port stands at the same place for both families.
  const auto& internet = reinterpret_cast<const sockaddr_in&>(address);
  return std::to_string(ntohs(internet.sin_port));
}

Result<std::unique_ptr<Connection>> MbedEngine::begin(int socket, const std::string& host) {
  Result<std::shared_ptr<Material>> material = current();
  if (!material) return material.status();
  std::string name = options_.server_name.empty() ? host : options_.server_name;
  if (name.ends_with('.')) name.pop_back();  // the root's dot is in no certificate
  std::string server = name + ":" + peer_port(socket);
  return Secure::make(std::move(*material), socket, name, std::move(server), *platform_.clock);
}

Result<std::shared_ptr<Material>> MbedEngine::current() {
  const std::lock_guard lock(mutex_);
  if (material_->is_outdated(options_)) {
    Result<std::shared_ptr<Material>> fresh = Material::read(options_, platform_);
    if (!fresh) return fresh;
    material_ = std::move(*fresh);
  }
  return material_;
}

Status check_psk(const TlsOptions& options) {
  if (options.psk.is_empty()) return invalid("psk_identity: there is no psk to it");
  if (options.psk_identity.empty()) return invalid("psk: there is no psk_identity to it");
  if (options.psk_identity.size() > 128) return invalid("psk_identity: longer than 128 bytes");
  if (!options.ca_file.empty() || !options.certificate_file.empty() || !options.pins.empty() ||
      !options.crl_file.empty()) {
    return invalid("psk: it excludes certificates (ca_file, certificate_file, pins, crl_file)");
  }
  if (options.oldest != TlsVersion::tls13) return invalid("psk: it needs TLS 1.3 (oldest)");
  const Result<std::string> key = read_secret(options.psk);
  if (!key) return {key.status().code(), "tls: psk: " + key.status().message()};
  const std::size_t size = options.psk.file.empty() ? key->size() : key->size() / 2;
  if (size < 16 || size > 64) return invalid("psk: 16 to 64 bytes, not " + std::to_string(size));
  return {};
}

Status check(const TlsOptions& options) {
  for (const std::string& protocol : options.alpn) {
    if (protocol.empty() || protocol.size() > 255 || protocol.find('\0') != std::string::npos) {
      return invalid("alpn: a protocol has 1 to 255 bytes, without NUL");
    }
  }
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7f; };
  if (options.server_name.size() > 253 || !std::ranges::all_of(options.server_name, is_plain)) {
    return invalid("server_name: '" + options.server_name + "' is no host name");
  }
  if (!options.psk.is_empty() || !options.psk_identity.empty()) return check_psk(options);
  if (options.ca_file.empty()) {
    return invalid("ca_file: there is nothing to trust; give roots, or a pre-shared key");
  }
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return invalid("certificate_file and key_file: one without the other");
  }
  if (options.key_file.empty() && !options.key_password.is_empty()) {
    return invalid("key_password: there is no key_file to it");
  }
  return {};
}

}  // namespace
}  // namespace edgepost::tls

namespace edgepost {

Result<std::shared_ptr<Tls>> make_tls(const TlsOptions& options, const Platform& platform) {
  if (Status status = tls::check(options); !status.is_ok()) return status;
  if (Status status = tls::start_crypto(); !status.is_ok()) return status;
  const Platform whole = complete(platform);
  Result<std::shared_ptr<tls::Material>> material = tls::Material::read(options, whole);
  if (!material) return material.status();
  return std::shared_ptr<Tls>(
      std::make_shared<tls::MbedEngine>(options, whole, std::move(*material)));
}

}  // namespace edgepost
