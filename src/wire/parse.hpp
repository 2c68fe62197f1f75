#pragma once

#include <string_view>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::wire {

/// Reads one CloudEvents JSON object, or the shorter form that `edgepost publish --jsonl` takes:
/// `topic` for `subject`, `key` for `partitionkey`, `ttl_ms` for a time to live; no attribute but
/// the topic is required. `not_before_ms` is the one field that has no other form. `data` may be
/// any JSON value: a string is taken as its text unless the content type is JSON, anything else
/// byte by byte as its JSON text, with content type application/json where none is given.
/// `data_base64` is decoded. Names that are not attributes of Event become free attributes when
/// their value is a string, number or boolean. An attribute that is null is absent. What else an
/// event must be is for validate() to say.
/// Errors: invalid_argument, naming the byte position (malformed JSON, duplicate name, data nested
/// over 64) or the attribute.
Result<Event> parse_event(std::string_view json);

}  // namespace edgepost::wire
