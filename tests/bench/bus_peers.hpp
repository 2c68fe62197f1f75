#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/status.hpp"

namespace edgepost::bench {

/// What every handler does, ours and those of the peers: it counts.
Status count_event(std::uint64_t& count, const Event& event);

/// Others that call handlers.
struct Peer {
  std::string name;
  /// Publishes `event` `publishes` times to so many handlers; nanoseconds for each publish. None
  /// where the peer is not installed.
  std::function<double(std::size_t handlers, std::size_t publishes, const Event& event)> run;
};

/// Floors first: a loop over function pointers, and one over std::function.
std::vector<Peer> bus_peers();

/// How many of `filters` match, by mosquitto_topic_matches_sub one after the other; none where the
/// library is not installed.
std::function<std::size_t(const std::vector<std::string>& filters, const std::string& topic)>
mosquitto_matcher();

}  // namespace edgepost::bench
