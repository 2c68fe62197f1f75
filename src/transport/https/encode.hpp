#pragma once

#include <span>
#include <string>

#include "edgepost/event.hpp"
#include "edgepost/https.hpp"
#include "transport/https/message.hpp"

namespace edgepost::https {

/// The events as a request in `mode`, without target and the headers that every request has.
/// Requires: one event, unless the mode is batch.
Request encode(std::span<const Event* const> events, HttpsMode mode);

/// The same for the same events in the same order, whenever they are sent: the id of one event, or
/// the SHA-256 over the ids of several, in hexadecimal.
std::string idempotency_key(std::span<const Event* const> events);

}  // namespace edgepost::https
