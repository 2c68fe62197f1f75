#pragma once

#include <string>
#include <string_view>

#include "edgepost/transport.hpp"

namespace edgepost::tls {

/// What was going on when a connection failed.
struct Circumstances {
  bool is_handshaking = false;
  bool has_certificate = false;  ///< We have one to show.
  bool has_psk = false;          ///< We have a pre-shared key.
  std::string_view first{};      ///< The first bytes of the server.
};

/// What a fatal alert (RFC 8446, section 6.2) of the server means.
Answer explain_alert(unsigned alert, const Circumstances& circumstances);

/// What an error of Mbed TLS means, 0 being the end of the connection without close_notify.
Answer explain_error(int code, const Circumstances& circumstances);

}  // namespace edgepost::tls
