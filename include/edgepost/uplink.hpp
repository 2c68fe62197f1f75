#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/retry.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// One upstream and its policy.
struct UplinkOptions {
  std::string name{};                  ///< 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`.
  std::vector<std::string> streams{};  ///< The streams to drain; each gets a consumer of this name.
  RetryPolicy retry{};       ///< When to connect again, and to send a refused event again.
  Order order = Order::key;  ///< Which events wait for which; see ConsumerOptions.
  std::size_t max_in_flight_per_key = 1;  ///< See ConsumerOptions.
  unsigned max_deliver = 20;       ///< Refusals before an event becomes a dead letter; 0: no limit.
  std::size_t max_in_flight = 64;  ///< Unanswered events; 1 to 65,535, and the broker's limit.
  std::size_t batch_events = 100;  ///< Read from the store at once; 1 to 10,000.
  std::size_t batch_bytes = 64 * 1024;                  ///< The same, in bytes.
  Duration connect_timeout = std::chrono::seconds(30);  ///< To be accepted; at most 24 h.
  Duration answer_timeout = std::chrono::seconds(30);   ///< Then the link is bad; at most 24 h.
};

/// Where an uplink stands, and where it goes from there.
enum class UplinkState : unsigned char {
  /// No connection, and none wanted. -> waiting when it is started, for no time at all.
  stopped,
  /// Backs off, without a connection. -> connecting when the delay is over or retry_uplink() was
  /// called; -> stopped when asked to stop.
  waiting,
  /// -> online when the upstream accepts; -> waiting when it cannot be reached, or does not accept
  /// within connect_timeout; -> blocked when it refuses credentials or configuration; -> stopped.
  connecting,
  /// Sends what its streams have. -> waiting when the link is lost, or an event is not answered
  /// within answer_timeout; -> blocked when credentials are refused; -> draining to stop.
  online,
  /// Sends nothing new and awaits answers. -> stopped when all are there, the deadline is over or
  /// the link is lost.
  draining,
  /// Credentials or configuration were refused. That needs a change, not time: it never tries by
  /// itself, and no event is lost. -> connecting by retry_uplink() or a restart; -> stopped.
  blocked,
};

/// The name of `state` as it stands in the enum.
std::string_view to_string(UplinkState state);

/// What is known of one uplink.
struct UplinkStatus {
  std::string name;                          ///< As added.
  std::string address;                       ///< Without credentials.
  UplinkState state = UplinkState::stopped;  ///< Now.
  std::size_t in_flight = 0;                 ///< Sent and not answered.
  std::uint64_t sent = 0;                    ///< Events handed to the transport, repeats included.
  std::uint64_t acknowledged = 0;            ///< Events the upstream confirmed.
  std::uint64_t refused = 0;                 ///< Events the upstream refused; tried again later.
  std::uint64_t connects = 0;                ///< Connections that were accepted.
  std::uint64_t lag = 0;                     ///< Events of its streams above the floors.
  /// The last failure, or empty: why the link was lost or could not be made, why an event was
  /// refused, why a stream could not be read.
  std::string last_error;
};

}  // namespace edgepost
