#pragma once

#include <string>
#include <string_view>

namespace edgepost::wire {

/// Appends `value` as a header value of the CloudEvents HTTP binding 1.0.2, section 3.1.3.2: space,
/// `"`, `%` and what is not printable ASCII stand as `%XX`.
void append_header_value(std::string_view value, std::string& out);

/// Appends `value` for a URI's path segment, query or form field: all but the unreserved characters
/// (RFC 3986, section 2.3) stand as `%XX`.
void append_uri_value(std::string_view value, std::string& out);

}  // namespace edgepost::wire
