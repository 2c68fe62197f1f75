#pragma once

#include <string_view>

namespace edgepost::tls {

/// Whether the first bytes of a TLS 1.2 server have a ServerHello with the extension of the
/// extended master secret (RFC 7627, section 5.1). Mbed TLS asks for it and goes on without.
bool has_extended_master_secret(std::string_view bytes);

}  // namespace edgepost::tls
