#pragma once

#include <cstddef>
#include <string_view>

#include "edgepost/status.hpp"

namespace edgepost {

/// Says what is wrong with the byte of `text` at `position`, for example
/// `topic: byte 7 is '+', a wildcard cannot stand in a published topic`.
Status invalid_byte(std::string_view what, std::string_view text, std::size_t position,
                    std::string_view rule);

/// Checks a text that travels as an MQTT or CloudEvents string: at most `bytes_max` bytes of
/// UTF-8 without control characters and the non-characters of Unicode, because brokers close the
/// connection over either (MQTT 5.0, section 1.5.4). `what` names the field in the message.
/// Errors: invalid_argument, naming the position.
Status validate_text(std::string_view what, std::string_view text, std::size_t bytes_max);

}  // namespace edgepost
