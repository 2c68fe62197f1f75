#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/event.hpp"
#include "wire/json.hpp"
#include "wire/time.hpp"

namespace edgepost::wire {

/// The attributes of `event` as CloudEvents 1.0 context attributes, name and text value, without
/// `datacontenttype`: specversion, id, source, type, subject, time (RFC 3339, UTC, microseconds),
/// dataschema, partitionkey, sequence (CloudEvents sequence extension, decimal), correlationid,
/// causationid, traceparent, expirytime (time + expires_after), then the free ones in order.
/// Absent ones are left out; a missing type is `edgepost.event`.
/// Must outlive: `event` the names.
std::vector<std::pair<std::string_view, std::string>> attributes(const Event& event);

/// The event as one JSON object on one line (CloudEvents 1.0, JSON format), appended to `out`.
/// Data stands as a JSON value when the content type is JSON and the data is valid JSON on its own
/// (without its line breaks, which are white space there), as a string when it is valid UTF-8 and
/// the content type is empty or text, otherwise as `data_base64`; empty data is left out.
void append_json(const Event& event, std::string& out);

/// Events as a batch (JSON batch format), one JSON array, appended to `out`.
void append_batch(std::span<const Event* const> events, std::string& out);

/// True for the media types of JSON: `…/json` and `…+json`, with or without parameters.
bool is_json_type(std::string_view content_type);

}  // namespace edgepost::wire
