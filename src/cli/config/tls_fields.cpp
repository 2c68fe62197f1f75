#include "cli/config/tls_fields.hpp"

#include <unistd.h>

#include <array>

#include "cli/config/config.hpp"

namespace edgepost::cli {
namespace {

using T = TlsOptions;

constexpr std::array kTls{
    field<&T::ca_file>("ca_file", "Roots to trust (PEM); else this machine's own"),
    field<&T::certificate_file>("certificate_file",
                                "Ours with its chain (PEM), for servers that ask"),
    field<&T::key_file>("key_file", "Its key (PEM)"),
    field<&T::key_password>("key_password", "Of key_file, when it is encrypted"),
    field<&T::server_name>("server_name", "Name in the server's certificate; else the URL's host"),
    field<&T::alpn>("alpn", "Protocols, in order of preference; the server must take one"),
    field<&T::psk_identity>("psk_identity", "With psk: no certificates"),
    field<&T::psk>("psk", "Pre-shared key of 16 to 64 bytes; in a file as hex"),
    field<&T::pins>("pins", "Public keys, SHA-256 in base64; one must be in the chain"),
    field<&T::crl_file>("crl_file", "Revoked certificates (PEM)"),
    field<&T::oldest>("oldest", "Oldest version accepted"),
    field<&T::resume>("resume", "Take up earlier sessions"),
};

}  // namespace

std::string machine_ca_file() {
  static constexpr const char* kBundle = "/etc/ssl/certs/ca-certificates.crt";
  return access(kBundle, R_OK) == 0 ? kBundle : "";
}

void read_tls(const wire::JsonNode& place, const wire::JsonNode* node, std::shared_ptr<Tls>& out,
              Reading& reading) {
  TlsOptions options;
  const std::size_t before = reading.problems.lines().size();
  if (node != nullptr) read_object(*node, kTls, options, reading);
  if (reading.problems.lines().size() > before) return;
  if (options.ca_file.empty() && options.psk.is_empty()) options.ca_file = machine_ca_file();
  auto made = make_tls(options, reading.platform);
  if (!made) {
    std::string_view what = made.status().message();
    what.remove_prefix(what.starts_with("tls: ") ? std::string_view("tls: ").size() : 0);
    return reading.complain(place, what);
  }
  out = std::move(*made);
}

void explain_tls(std::size_t indent, std::string& out) { explain_object(kTls, indent, out); }

}  // namespace edgepost::cli
