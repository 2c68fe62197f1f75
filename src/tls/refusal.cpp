#include "tls/refusal.hpp"

extern "C" {
#include <mbedtls/net_sockets.h>
}

#include <algorithm>
#include <array>

#include "tls/mbed.hpp"
#include "tls/names.hpp"

namespace edgepost::tls {
namespace {

struct Alert {
  unsigned number;
  std::string_view words;
};

/// What the server has against our certificate.
constexpr std::array kOfCertificates{
    Alert{41, "it wants one"},
    Alert{42, "it is bad"},
    Alert{43, "its kind is not supported"},
    Alert{44, "it is revoked"},
    Alert{45, "it has expired"},
    Alert{46, "it is not accepted"},
    Alert{48, "its issuer is unknown there"},
    Alert{49, "access is denied"},
};

constexpr std::array kOthers{
    Alert{10, "unexpected message"},
    Alert{20, "bad record"},
    Alert{22, "record overflow"},
    Alert{40, "nothing in common (handshake failure)"},
    Alert{47, "illegal parameter"},
    Alert{50, "decode error"},
    Alert{51, "decrypt error"},
    Alert{71, "insufficient security"},
    Alert{80, "internal error"},
    Alert{90, "canceled by its user"},
    Alert{109, "missing extension"},
    Alert{110, "unsupported extension"},
    Alert{112, "it does not know this server name"},
};

template <std::size_t kSize>
const Alert* find(const std::array<Alert, kSize>& alerts, unsigned number) {
  const auto* found = std::ranges::find(alerts, number, &Alert::number);
  return found == alerts.end() ? nullptr : found;
}

/// The link failed, not TLS.
Answer lost(std::string reason) {
  Answer answer;
  answer.meaning = AnswerClass::link_down;
  answer.reason = "TLS: " + std::move(reason);
  return answer;
}

Answer make(AnswerClass meaning, std::string reason) {
  Answer answer;
  answer.meaning = meaning;
  answer.reason = "TLS: " + std::move(reason);
  answer.is_tls = true;
  return answer;
}

bool looks_like_tls(std::string_view first) {
  // The kinds of records: change of cipher, alert, handshake, data; then 3 for all versions.
  return first.size() < 2 || (first[0] >= 20 && first[0] <= 23 && first[1] == 3);
}

std::string foreign_words(std::string_view first) {
  if (first.starts_with("HTTP/")) return "the server answers in plain HTTP, not TLS";
  return "the server does not speak TLS";
}

}  // namespace

Answer explain_alert(unsigned alert, const Circumstances& circumstances) {
  const std::string number = " (alert " + std::to_string(alert) + ")";
  constexpr unsigned kCertificateRequired = 116;
  if (alert == kCertificateRequired) {
    return make(AnswerClass::credentials,
                "the server wants a certificate, see certificate_file" + number);
  }
  if (const Alert* found = find(kOfCertificates, alert);
      found != nullptr && circumstances.has_certificate) {
    return make(AnswerClass::credentials,
                "the server refuses our certificate: " + std::string(found->words) + number);
  }
  constexpr std::array<unsigned, 5> kOfKeys{40, 47, 51, 109, 115};
  if (circumstances.has_psk && std::ranges::find(kOfKeys, alert) != kOfKeys.end()) {
    return make(AnswerClass::credentials, alert == 47 || alert == 51
                                              ? "the server has another pre-shared key" + number
                                              : "the server does not know psk_identity" + number);
  }
  constexpr unsigned kProtocolVersion = 70;
  if (alert == kProtocolVersion) {
    return make(AnswerClass::link_down,
                "the server knows no version of TLS that is new enough" + number);
  }
  constexpr unsigned kNoApplicationProtocol = 120;
  if (alert == kNoApplicationProtocol) {
    return make(AnswerClass::link_down, "the server takes no protocol of alpn" + number);
  }
  const Alert* other = find(kOthers, alert);
  if (other == nullptr) other = find(kOfCertificates, alert);
  return make(
      AnswerClass::link_down,
      "the server gives up: " + std::string(other == nullptr ? "?" : other->words) + number);
}

Answer explain_error(int code, const Circumstances& circumstances) {
  const std::string during = circumstances.is_handshaking ? " during the handshake" : "";
  if (circumstances.is_handshaking && !looks_like_tls(circumstances.first)) {
    return make(AnswerClass::link_down, foreign_words(circumstances.first));
  }
  switch (code) {
    case 0:
    case MBEDTLS_ERR_SSL_CONN_EOF:
    case MBEDTLS_ERR_NET_CONN_RESET:
      return lost("the connection was cut" + during);
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      return lost("the server ended the connection" + during);
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
      return make(AnswerClass::link_down, "the server knows no version of TLS that is new enough");
    case MBEDTLS_ERR_SSL_INVALID_MAC:
      return make(AnswerClass::link_down, "a record was changed on its way");
    default:
      break;
  }
  if (circumstances.is_handshaking && circumstances.has_psk &&
      (code == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE || code == MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER)) {
    return make(AnswerClass::credentials, "the server does not know psk_identity");
  }
  // The codes of X.509, with or without a code of ASN.1 in the low bits.
  const bool is_of_certificate =
      code <= MBEDTLS_ERR_X509_FEATURE_UNAVAILABLE && code > MBEDTLS_ERR_X509_FATAL_ERROR - 0x80;
  if (is_of_certificate || code == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {
    return make(AnswerClass::link_down,
                "the server's certificate cannot be read: " + error_text(code));
  }
  return make(AnswerClass::link_down, error_text(code) + during);
}

}  // namespace edgepost::tls
