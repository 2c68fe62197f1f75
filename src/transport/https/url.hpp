#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost::https {

/// Where a server listens, and what to ask it for.
struct Url {
  bool is_tls = true;
  std::string host;        ///< Name or address, without brackets.
  std::uint16_t port = 0;  ///< 443 and 80 where none was given.
  std::string path = "/";  ///< Begins with a slash.
  std::string query;       ///< Without the question mark; may be a secret.

  /// For the request line.
  [[nodiscard]] std::string target() const { return query.empty() ? path : path + "?" + query; }
  /// For the header Host: the port only where it is not the scheme's own.
  [[nodiscard]] std::string authority() const;
  /// The URL again, without its query.
  [[nodiscard]] std::string to_string() const;
};

/// Reads `https://host[:port][/path][?query]` or `http://…`; `option` is its name in messages,
/// which never repeat the URL: what someone put there by mistake may be a password. Errors:
/// invalid_argument, naming the position: unknown scheme, user name, missing host, host or port
/// malformed, a fragment, characters that RFC 3986 does not have.
Result<Url> parse_url(std::string_view option, std::string_view text);

}  // namespace edgepost::https
