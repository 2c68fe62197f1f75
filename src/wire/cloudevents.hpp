#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::wire {

/// The attributes of `event` as CloudEvents 1.0 context attributes, name and text value, without
/// `datacontenttype`: specversion, id, source, type, subject, time (RFC 3339, UTC, microseconds),
/// dataschema, partitionkey, sequence (CloudEvents sequence extension, decimal), correlationid,
/// causationid, traceparent, expirytime (time + expires_after), then the free ones in order.
/// Absent ones are left out.
std::vector<std::pair<std::string_view, std::string>> attributes(const Event& event);

/// The event as one JSON object (CloudEvents 1.0, JSON format), appended to `out`. Data stands as
/// a JSON value when the content type is JSON and the data is valid JSON on its own, as a string
/// when it is valid UTF-8 and the content type is empty or text, otherwise as `data_base64`.
void append_json(const Event& event, std::string& out);

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string_view text, std::string& out);

/// True when `text` is one valid JSON value (RFC 8259), nested at most 64 deep.
bool is_json(std::string_view text);

/// RFC 3339 in UTC with microseconds: `2026-11-21T07:00:00.000000Z`; years 0000 to 9999.
std::string format_time(Timestamp time);

/// Reads RFC 3339 with any offset and 0 to 9 digits of fraction.
/// Errors: invalid_argument, naming the position.
Result<Timestamp> parse_time(std::string_view text);

}  // namespace edgepost::wire
