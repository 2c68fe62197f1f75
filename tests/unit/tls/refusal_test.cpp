#include "tls/refusal.hpp"

#include <doctest.h>

extern "C" {
#include <mbedtls/net_sockets.h>
}

#include "tls/mbed.hpp"

namespace edgepost::tls {
namespace {

constexpr Circumstances kPlain{.is_handshaking = true};
constexpr Circumstances kWithCertificate{.has_certificate = true};
constexpr Circumstances kWithKey{.is_handshaking = true, .has_psk = true};

TEST_CASE("refusal: what a server has against our certificate is told as credentials") {
  for (const unsigned alert : {42U, 43U, 44U, 45U, 46U, 48U, 49U}) {
    const Answer answer = explain_alert(alert, kWithCertificate);
    CHECK(answer.meaning == AnswerClass::credentials);
    CHECK(answer.reason.starts_with("TLS: the server refuses our certificate: "));
    CHECK(answer.is_tls);
  }
  CHECK(explain_alert(116, kPlain).meaning == AnswerClass::credentials);
}

TEST_CASE("refusal: the same words against no certificate of ours are no credentials") {
  CHECK(explain_alert(48, kPlain).meaning == AnswerClass::link_down);
  CHECK(explain_alert(48, kPlain).reason ==
        "TLS: the server gives up: its issuer is unknown there (alert 48)");
}

TEST_CASE("refusal: what a server has against a pre-shared key is told as credentials") {
  CHECK(explain_alert(51, kWithKey).reason ==
        "TLS: the server has another pre-shared key (alert 51)");
  CHECK(explain_alert(115, kWithKey).reason ==
        "TLS: the server does not know psk_identity (alert 115)");
  CHECK(explain_alert(115, kWithKey).meaning == AnswerClass::credentials);
  CHECK(explain_error(MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE, kWithKey).meaning ==
        AnswerClass::credentials);
}

TEST_CASE("refusal: an alert that nobody knows is told by its number") {
  CHECK(explain_alert(200, kPlain).reason == "TLS: the server gives up: ? (alert 200)");
}

TEST_CASE("refusal: a cut is the link's fault, during the handshake and after it") {
  const Answer early = explain_error(MBEDTLS_ERR_NET_CONN_RESET, kPlain);
  CHECK(early.reason == "TLS: the connection was cut during the handshake");
  CHECK_FALSE(early.is_tls);
  CHECK(explain_error(0, {}).reason == "TLS: the connection was cut");
}

TEST_CASE("refusal: a server that does not speak TLS is known by its first bytes") {
  const auto reason = [](std::string_view first) {
    return explain_error(0, {.is_handshaking = true, .first = first}).reason;
  };
  CHECK(reason("HTTP/1.0 400 Bad Request") == "TLS: the server answers in plain HTTP, not TLS");
  CHECK(reason("SSH-2.0-x") == "TLS: the server does not speak TLS");
  CHECK(reason(std::string_view("\x15\x03\x03\0\x02", 5)) ==
        "TLS: the connection was cut during the handshake");
  CHECK(reason("") == "TLS: the connection was cut during the handshake");
}

TEST_CASE("refusal: a changed record and an unreadable certificate are named") {
  CHECK(explain_error(MBEDTLS_ERR_SSL_INVALID_MAC, {}).reason ==
        "TLS: a record was changed on its way");
  CHECK(explain_error(MBEDTLS_ERR_X509_INVALID_VERSION, kPlain)
            .reason.starts_with("TLS: the server's certificate cannot be read: "));
}

}  // namespace
}  // namespace edgepost::tls
