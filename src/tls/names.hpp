#pragma once

#include <string>
#include <string_view>

namespace edgepost::tls {

/// The 4 or 16 bytes of a numeric address; empty when `host` is a name.
std::string address_bytes(const std::string& host);

/// The address of so many bytes in words; empty when it is none.
std::string address_text(std::string_view bytes);

/// Whether a dNSName of a certificate stands for `host` (RFC 9525, section 6.3): letter by letter
/// without regard to case, or by a wildcard that is the whole leftmost label and stands for exactly
/// one label; never `*` alone, nor directly under a top-level domain (`*.com`).
bool is_name_for(std::string_view name, std::string_view host);

/// `text` of a peer, fit to be shown: printable ASCII, the rest as `?`, at most 100 characters.
std::string printable(std::string_view text);

}  // namespace edgepost::tls
