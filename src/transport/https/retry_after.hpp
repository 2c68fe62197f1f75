#pragma once

#include <optional>
#include <string_view>

#include "edgepost/time.hpp"

namespace edgepost::https {

/// Reads the header Retry-After (RFC 9110, section 10.2.3): seconds, or a date in any of its three
/// forms, measured against `wall`. At most an hour, which is as long as an upstream is believed;
/// nothing for what is malformed or past.
std::optional<Duration> parse_retry_after(std::string_view text, Timestamp wall);

/// Reads an HTTP date (RFC 9110, section 5.6.7); nothing when it is malformed.
std::optional<Timestamp> parse_http_date(std::string_view text);

}  // namespace edgepost::https
