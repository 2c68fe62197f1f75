#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "edgepost/status.hpp"
#include "edgepost/transport.hpp"

namespace edgepost::wire {

/// Reads a CloudEvent 1.0 that another system made, as one JSON object (structured mode). Unlike
/// parse_event() it knows no short forms, and any id will do: Received::identity is source and id
/// as they were written, Event::id stays nil where the id is no UUID. An event without a subject
/// gets its type as topic. `sequence` is the sender's and is left out. What else an event must be
/// is for validate() to say. Errors: invalid_argument, naming the byte or the attribute: malformed
/// JSON, a name twice, specversion, id, source or type missing or not a string, an attribute that
/// is no string, number or boolean, a malformed time, an end before the beginning.
Result<Received> read_structured(std::string_view json);

/// The same from attributes that stand beside the data (binary mode), decoded already.
Result<Received> read_binary(std::span<const std::pair<std::string, std::string>> attributes,
                             std::string_view content_type, std::string_view data);

/// Reads a batch (JSON array): the text of each event, for read_structured().
/// Errors: invalid_argument, naming the byte; also for more than `count_max` events.
Result<std::vector<std::string_view>> read_batch(std::string_view json, std::size_t count_max);

}  // namespace edgepost::wire
