#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edgepost/time.hpp"

namespace edgepost {

/// What calls of a handler took: counts of calls up to 1, 2, 5, 10, 20, 50, 100, 200, 500 us,
/// 1, 2, 5, 10, 20, 50, 100, 200, 500 ms, 1 s, and longer.
using CallTimes = std::array<std::uint64_t, 20>;

/// One subscription that was made with options, since it was made. Counters of one that ended are
/// gone; those of the bus remain.
struct SubscriptionStatus {
  std::string name{};           ///< As in SubscribeOptions; empty when it has none.
  std::string filter{};         ///< What it listens to.
  std::uint64_t delivered = 0;  ///< Calls of its handler.
  std::uint64_t failed = 0;     ///< Those of them that returned a failure.
  /// Left out by `where`, `on_change`, `every`, `interval`, or for a newer one (keep_latest).
  std::uint64_t filtered = 0;
  std::uint64_t dropped = 0;   ///< Lost because the queue was full.
  std::uint64_t spilled = 0;   ///< Given to `spill` instead.
  std::uint64_t blocked = 0;   ///< Publishes that had to wait for room.
  std::uint64_t slow = 0;      ///< Calls that took longer than `slow_after`.
  std::size_t queued = 0;      ///< Events that wait now.
  std::size_t queued_max = 0;  ///< The most there were.
  Duration longest{};          ///< Longest call that was measured.
  Duration busy{};             ///< All calls that were measured, together.
  CallTimes times{};           ///< With `is_measured`.
  std::string last_error{};    ///< Of the last call that failed; empty: none did.
};

/// What a bus has done since it was made.
struct BusStatus {
  std::size_t subscriptions = 0;  ///< Active now.
  std::uint64_t published = 0;    ///< Events that publish() took.
  /// Handlers that were called or queues that were offered an event, by publish().
  std::uint64_t delivered = 0;
  std::uint64_t failed = 0;   ///< Calls that returned a failure, in queues and out of them.
  std::uint64_t dropped = 0;  ///< By full queues.
  std::size_t retained = 0;   ///< Topics whose last event is kept.
  std::size_t bytes = 0;      ///< Heap that topics and filters take.
  std::vector<SubscriptionStatus> named{};  ///< Those made with options, in order of subscribing.
};

/// Who publishes what and who listens, as far as the bus can know: publishers are the handlers that
/// publish, by name, and the names given to Bus::topic.
struct BusLink {
  std::string publisher{};  ///< Name; empty: some code outside handlers, with a topic text.
  std::string topic{};      ///< What it published, or has prepared to publish.
  std::string listener{};   ///< Name or filter of a subscription that matches; empty: nobody.

  auto operator<=>(const BusLink&) const = default;
};

/// `links` as a graph in the DOT language, for Graphviz.
std::string to_dot(const std::vector<BusLink>& links);

}  // namespace edgepost
