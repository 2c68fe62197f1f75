#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "edgepost/gateway.hpp"

namespace edgepost::bench {

/// A gateway with the stream `outbox`, which takes everything.
std::unique_ptr<Gateway> open_gateway(const std::string& path, const std::string& vfs = {});

/// Commits `group` events of `data` together; one alone is published as gateways do it.
void publish_group(Gateway& gateway, std::size_t group, const std::string& data);

/// The one who drains `outbox`.
Consumer open_consumer(Gateway& gateway);

/// Fetches and acknowledges everything, a hundred events at a time; how many that were. Calls
/// `after_fetch` with what is in flight.
std::uint64_t drain(Consumer& consumer, const std::function<void()>& after_fetch = {});

}  // namespace edgepost::bench
