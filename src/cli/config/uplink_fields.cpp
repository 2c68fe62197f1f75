#include "cli/config/uplink_fields.hpp"

#include <array>

#include "cli/config/endpoint_fields.hpp"

namespace edgepost::cli {
namespace {

using U = UplinkOptions;
constexpr auto kOf = &UplinkPlan::options;

constexpr std::array kRetry{
    field<&RetryPolicy::strategy>("strategy", "How delays grow"),
    field<&RetryPolicy::initial_delay>("initial_delay", "The first, at most"),
    field<&RetryPolicy::max_delay>("max_delay", "The longest; 24h at most"),
    field<&RetryPolicy::multiplier>("multiplier", "Of exponential delays", Range{1, 1'000}),
    field<&RetryPolicy::stable_after>("stable_after", "A connection that held so long was good"),
};

constexpr std::array kBreaker{
    field<&CircuitBreaker::failure_threshold>("failure_threshold", "Failures in a row that open it",
                                              Range{1}),
    field<&CircuitBreaker::recovery_timeout>("recovery_timeout", "Open for so long"),
    field<&CircuitBreaker::half_open_max_calls>("half_open_max_calls", "Then tried with so many",
                                                Range{1}),
    field<&CircuitBreaker::trip_after>("trip_after", "No answer for so long opens it"),
    field<&CircuitBreaker::success_percent_min>(
        "success_percent_min", "Acknowledged of the last 20; fewer open it", Range{0, 100}),
};

constexpr std::array kPacing{
    field<&Pacing::events_per_second>("events_per_second", "0: no limit"),
    field<&Pacing::burst_events>("burst_events", "0: as many as a second brings"),
    field<&Pacing::bytes_per_second>("bytes_per_second", "0: no limit", kBytes),
    field<&Pacing::burst_bytes>("burst_bytes", "0: as many as a second brings", kBytes),
    field<&Pacing::bytes_per_day>("bytes_per_day", "Both directions; 0: no limit", kBytes),
    field<&Pacing::bytes_per_month>("bytes_per_month", "Both directions; 0: no limit", kBytes),
};

constexpr std::array kFailover{
    field<&Failover::is_split>("is_split", "Use all endpoints at once"),
    field<&Failover::fail_back_after>("fail_back_after", "Go back to one that held so long"),
    field<&Failover::residency>("residency", "Stream to tag: it goes nowhere else"),
};

constexpr Field<UplinkPlan> kEndpoints{
    .name = "endpoints",
    .help = "Where to, in order of preference",
    .read =
        [](const wire::JsonNode& node, const Range& /*range*/, UplinkPlan& plan, Reading& reading) {
          if (node.kind != wire::JsonKind::array || node.children.empty()) {
            return reading.complain(node, "an array of objects is wanted");
          }
          for (const wire::JsonNode& child : node.children)
            read_endpoint(child, plan.endpoints.emplace_back(), reading);
        },
    .explain = explain_endpoints,
    .is_needed = true};

constexpr std::array kUplink{
    needed(field<kOf, &U::name>("name", "Also of its consumers")),
    kEndpoints,
    field<kOf, &U::streams>("streams", "To drain"),
    field<kOf, &U::inbox>("inbox", "Stream for what comes from there; may stand alone"),
    inner<kRetry, kOf, &U::retry>("retry", "When to try again"),
    inner<kBreaker, kOf, &U::breaker>("breaker", "When to leave an endpoint alone"),
    inner<kPacing, kOf, &U::pacing>("pacing", "How much may be sent"),
    inner<kFailover, kOf, &U::failover>("failover", "How several endpoints are used"),
    field<kOf, &U::order>("order", "Which events wait for which"),
    field<kOf, &U::max_in_flight_per_key>("max_in_flight_per_key", "With order key",
                                          Range{1, 65'535}),
    field<kOf, &U::max_deliver>("max_deliver", "Refusals before a dead letter; 0: no limit"),
    field<kOf, &U::max_in_flight>("max_in_flight", "Unanswered events", Range{1, 65'535}),
    field<kOf, &U::batch_events>("batch_events", "Read at once", Range{1, 10'000}),
    field<kOf, &U::batch_bytes>("batch_bytes", "Read at once", Range{.lowest = 1, .is_size = true}),
    field<kOf, &U::linger>("linger", "An event may wait so long for others (HTTP)"),
    field<kOf, &U::live_percent>("live_percent", "Share of fresh events beside a backlog",
                                 Range{0, 100}),
    field<kOf, &U::connect_timeout>("connect_timeout", "To be accepted"),
    field<kOf, &U::blocked_retry>("blocked_retry", "After a refusal, look so often; 0s: never"),
    field<kOf, &U::probe_interval>("probe_interval", "Look so often for who is away; 0s: never"),
};

}  // namespace

std::span<const Field<UplinkPlan>> uplink_fields() { return kUplink; }

}  // namespace edgepost::cli
