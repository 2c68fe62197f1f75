#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/event.hpp"
#include "edgepost/retry.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "edgepost/transport.hpp"

namespace edgepost {

/// When to stop using an endpoint that fails (Nygard, "Release It!", 2007), one for each endpoint.
/// A failure is a connection that could not be made, or was lost before it was stable.
struct CircuitBreaker {
  unsigned failure_threshold = 5;  ///< Failures in a row that open it; 1 or more.
  Duration recovery_timeout = std::chrono::seconds(30);  ///< Open for so long, then half-open.
  unsigned half_open_max_calls = 1;  ///< Unanswered events while half-open; an answer closes it.
  /// An event in flight without an answer, while no byte of it moves either, opens it at once.
  Duration trip_after = std::chrono::seconds(5);
  /// Answers that must be acknowledgements, in percent of the last 20; fewer open it. 0: any.
  unsigned success_percent_min = 0;
};

/// How much may be sent. Zero: no limit. What is counted is what goes over the wire.
struct Pacing {
  std::uint64_t events_per_second = 0;  ///< Token bucket, `burst_events` deep.
  std::uint64_t burst_events = 0;       ///< 0: as many as a second brings.
  std::uint64_t bytes_per_second = 0;   ///< Token bucket, `burst_bytes` deep, or one event.
  std::uint64_t burst_bytes = 0;        ///< 0: as many as a second brings.
  /// Both directions, of a day and a month (UTC) of the wall clock, also across restarts: what a
  /// crash leaves unknown counts as used, a 64th of the budget at most. When it is used up, the
  /// uplink leaves the link until the next day or month.
  std::uint64_t bytes_per_day = 0;
  std::uint64_t bytes_per_month = 0;  ///< See bytes_per_day.
};

/// How several endpoints are used.
struct Failover {
  /// Use all endpoints at once, each event going to whichever has room; the order that `order`
  /// promises holds. Otherwise the first one that works, in order.
  bool is_split = false;
  /// An earlier endpoint must have held a connection for so long before it is gone back to.
  Duration fail_back_after = std::chrono::seconds(60);
  /// Streams that may only go to endpoints with a tag: stream name to tag.
  std::map<std::string, std::string> residency{};
};

/// One upstream of an uplink.
struct Endpoint {
  std::unique_ptr<Transport> transport{};  ///< Required.
  std::vector<std::string> tags{};         ///< For Failover::residency, such as `eu`.
};

/// What a hook has to say before an event is sent.
struct SendDecision {
  /// What becomes of the event.
  enum class Kind : unsigned char {
    send,  ///< It goes out.
    hold,  ///< Ask again after hold_for; counts no try. It holds back its key, as `order` says.
    drop,  ///< Make it a dead letter with reason `hook`.
  };
  Kind kind = Kind::send;                       ///< See Kind.
  Duration hold_for = std::chrono::seconds(1);  ///< With hold.
  std::string reason{};  ///< For the dead letter; empty: "dropped by the hook".
};

/// One upstream and its policy.
struct UplinkOptions {
  std::string name{};                  ///< 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`.
  std::vector<std::string> streams{};  ///< The streams to drain; each gets a consumer of this name.
  /// The stream for what comes from upstream: stored there, once for each identity, before it is
  /// confirmed; subscribers on the bus hear it then. May stand alone, without streams to drain, and
  /// is none of them. Empty: what comes in is refused.
  std::string inbox{};
  RetryPolicy retry{};       ///< When to connect again, and to send a refused event again.
  CircuitBreaker breaker{};  ///< See CircuitBreaker.
  Pacing pacing{};           ///< See Pacing.
  Failover failover{};       ///< See Failover.
  Order order = Order::key;  ///< Which events wait for which; see ConsumerOptions.
  std::size_t max_in_flight_per_key = 1;  ///< See ConsumerOptions.
  /// Refusals before an event becomes a dead letter; 0: no limit. The last one counts only when the
  /// upstream has taken other events since the first, or has no others to take.
  unsigned max_deliver = 5;
  /// Unanswered events; 1 to 65,535, and what the broker allows. A connection begins with a few and
  /// grows while answers come quickly.
  std::size_t max_in_flight = 64;
  /// Read at once, and sent in one request; 1 to 10,000. A request is never larger than
  /// max_in_flight either, and with Order::key has max_in_flight_per_key events of each key.
  std::size_t batch_events = 100;
  std::size_t batch_bytes = 64 * 1024;  ///< The same, in bytes.
  /// With requests of many events (HTTP): how long an event may wait for others.
  Duration linger = std::chrono::milliseconds(50);
  /// Share of what is sent, in percent, for fresh events while older ones are still waiting; which
  /// events may pass says ConsumerOptions.
  unsigned live_percent = 25;
  Duration connect_timeout = std::chrono::seconds(10);  ///< To be accepted; at most 24 h.
  /// When credentials or configuration were refused, look again so often whether somebody has
  /// mended them: files may be renewed. 0: never; at most 24 h.
  Duration blocked_retry = std::chrono::hours(1);
  /// While nobody can be reached, look so often whether that has ended, and connect at once when it
  /// has (P-30). Each look costs about 100 bytes. 0: never; then only `retry` counts.
  Duration probe_interval = std::chrono::milliseconds(500);
  /// Asked for each event that is about to be sent, on the uplink's thread; null: send all.
  std::function<SendDecision(const Event&)> before_send{};
};

/// Where an endpoint's circuit breaker stands.
enum class BreakerState : unsigned char { closed, open, half_open };

/// The name of `state` as it stands in the enum.
std::string_view to_string(BreakerState state);

/// How well an uplink does its work.
enum class Health : unsigned char {
  healthy,   ///< Online at its first endpoint, and its last answers were acknowledgements.
  degraded,  ///< Online, but elsewhere, paused, held back by a budget, or with refusals.
  down,      ///< Not online.
};

/// The name of `health` as it stands in the enum.
std::string_view to_string(Health health);

/// Where an uplink stands, and where it goes from there.
enum class UplinkState : unsigned char {
  /// No connection, and none wanted. -> waiting when it is started, for no time at all.
  stopped,
  /// Backs off, without a connection, or has used up its bytes of the day or month. -> connecting
  /// when that is over, a probe finds someone, or retry_uplink() was called; -> stopped.
  waiting,
  /// -> online when the upstream accepts; -> waiting when it cannot be reached, does not accept
  /// within connect_timeout, or a probe shows that the link has only now come back; -> blocked when
  /// it refuses credentials or configuration; -> stopped.
  connecting,
  /// Sends what its streams have. -> waiting when the link is lost, or an answer is overdue; ->
  /// blocked when credentials or configuration are refused; -> draining to stop, or for an earlier
  /// endpoint.
  online,
  /// Sends nothing new and awaits answers. -> stopped when all are there, the deadline is over or
  /// the link is lost.
  draining,
  /// Credentials (twice in a row) or configuration were refused: that needs a change, and time
  /// alone does not bring it. No event is lost. -> connecting after blocked_retry, to look whether
  /// it came; -> waiting by retry_uplink(); -> stopped.
  blocked,
};

/// The name of `state` as it stands in the enum.
std::string_view to_string(UplinkState state);

/// How long something took: counts by upper bound, for metrics.
struct Histogram {
  static constexpr std::size_t kBuckets = 12;
  /// Upper bounds: 1 ms, 4 ms, 16 ms, … 4^10 ms; the last is without bound.
  std::array<std::uint64_t, kBuckets> counts{};
  Duration sum = Duration::zero();
};

/// What is known of one endpoint.
struct EndpointStatus {
  std::string address;                          ///< Without credentials.
  UplinkState state = UplinkState::stopped;     ///< Of its connection.
  BreakerState breaker = BreakerState::closed;  ///< Now.
  std::uint64_t connects = 0;                   ///< Connections that were accepted.
  std::uint64_t failures = 0;                   ///< Attempts that failed, connections lost.
  std::uint64_t trips = 0;                      ///< Times its breaker opened.
  Traffic traffic;                              ///< Since it was added.
  std::string last_error;                       ///< Why the link was left or not made.
};

/// What is known of one uplink.
struct UplinkStatus {
  std::string name;                          ///< As added.
  std::string address;                       ///< Of the endpoint in use, without credentials.
  UplinkState state = UplinkState::stopped;  ///< Now, of the endpoint in use.
  Health health = Health::down;              ///< Now.
  unsigned score = 0;                        ///< 0 (down) to 100, from answers and their latency.
  std::size_t in_flight = 0;                 ///< Sent and not answered.
  std::uint64_t sent = 0;                    ///< Events handed to the transport, repeats included.
  std::uint64_t acknowledged = 0;            ///< Events the upstream confirmed.
  std::uint64_t duplicates = 0;              ///< Those of them that it had already.
  std::uint64_t refused = 0;                 ///< Events the upstream refused; tried again later.
  std::uint64_t received = 0;                ///< Events from upstream that were stored.
  std::uint64_t received_again = 0;          ///< Those that had been before, left out.
  std::uint64_t received_refused = 0;        ///< Those that break a rule, and were left out.
  std::uint64_t connects = 0;                ///< Connections that were accepted.
  std::uint64_t token_refreshes = 0;         ///< Credentials that were fetched.
  std::uint64_t tls_failures = 0;            ///< Connections that TLS refused, on either side.
  std::uint64_t lag = 0;                     ///< Events of its streams above the floors.
  std::uint64_t day_bytes = 0;               ///< Of Pacing::bytes_per_day, used.
  std::uint64_t month_bytes = 0;             ///< Of Pacing::bytes_per_month, used.
  Histogram answer_times;                    ///< From sending to acknowledgement.
  std::vector<EndpointStatus> endpoints;     ///< In order of adding.
  /// The last failure, or empty: why the link was lost or could not be made, why an event was
  /// refused, why a stream could not be read.
  std::string last_error;
};

/// A row of the audit: one call to the world outside, also a failed one. No secret, no payload.
struct AuditEntry {
  std::uint64_t number = 0;  ///< Counts up; gaps: rows that newer ones have pushed out.
  Timestamp time;            ///< Wall clock when it ended.
  std::string uplink;        ///< Name.
  std::string address;       ///< Endpoint.
  std::string what;          ///< `connect`, `send`, `receive`, `probe`, `token`, `poll` …
  /// `ok`, or an AnswerClass by name; of `receive`, a Code by name.
  std::string outcome;
  std::string detail;      ///< In the transport's words.
  std::size_t events = 0;  ///< Sent, answered or received by it.
  Duration took = Duration::zero();
  /// Correlates with log lines: uplink, connection and call, such as `cloud-3-17`.
  std::string correlation;
};

}  // namespace edgepost
