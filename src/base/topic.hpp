#pragma once

#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost {

/// Checks a topic name to publish to (MQTT 5.0, section 4.7): 1 to 512 bytes of UTF-8 without
/// NUL, control characters, `+` or `#`.
/// Errors: invalid_argument, naming the position of the offending byte.
Status validate_topic(std::string_view topic);

/// Checks a topic filter: as a topic, and `+` only as a whole level, `#` only as the last one.
/// Errors: invalid_argument, naming the position.
Status validate_filter(std::string_view filter);

/// True when `topic` matches `filter` (MQTT 5.0, section 4.7): `a/#` matches `a`, a leading
/// wildcard does not match a leading `$`. Requires: both valid.
bool topic_matches(std::string_view filter, std::string_view topic);

/// Checks the name of a stream, consumer or uplink: 1 to 64 characters of a-z, 0-9, `-`, `_`, `.`.
/// `what` is the word for it in the message. Errors: invalid_argument, naming the position.
Status validate_name(std::string_view what, std::string_view name);

}  // namespace edgepost
