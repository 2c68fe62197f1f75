// Everything that can be counted, in Prometheus' text exposition format 0.0.4.
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "gateway_parts.hpp"
#include "wire/prometheus.hpp"

namespace edgepost {
namespace {

using wire::PrometheusText;
using Label = PrometheusText::Label;

/// A family of which each `Of` has one sample.
template <typename Of>
struct Family {
  const char* name;
  const char* type;
  const char* help;
  std::uint64_t (*value)(const Of&);
};

template <typename Of, typename Labels>
void write(PrometheusText& out, std::span<const Family<Of>> families, std::span<const Of> all,
           const Labels& labels_of) {
  for (const Family<Of>& family : families) {
    if (all.empty()) return;
    out.family(family.name, family.type, family.help);
    for (const Of& one : all)
      out.sample(labels_of(one), family.value(one));
  }
}

/// One sample for each of `states`: 1 for the one it is in, 0 for the others.
template <typename State>
void write_states(PrometheusText& out, std::vector<Label> labels, State is,
                  std::initializer_list<State> states) {
  labels.emplace_back("state", "");
  for (const State state : states) {
    labels.back().second = to_string(state);
    out.sample(labels, state == is ? 1 : 0);
  }
}

constexpr Family<GatewayStatus> kGateway[] = {
    {"edgepost_database_bytes", "gauge", "Size of the database file.",
     [](const GatewayStatus& s) { return s.database_bytes; }},
    {"edgepost_log_bytes", "gauge", "Size of the write-ahead log.",
     [](const GatewayStatus& s) { return s.log_bytes; }},
    {"edgepost_free_bytes", "gauge", "Bytes of the database file that are not in use.",
     [](const GatewayStatus& s) { return s.free_bytes; }},
    {"edgepost_reserve_used", "gauge", "1 while the disk is full and the reserve is in use.",
     [](const GatewayStatus& s) { return std::uint64_t{s.is_reserve_used}; }},
    {"edgepost_damaged", "gauge", "1 when damage was found since the gateway was opened.",
     [](const GatewayStatus& s) { return std::uint64_t{s.damage.has_value()}; }},
    {"edgepost_incarnation", "gauge", "How many times an owner has opened the database.",
     [](const GatewayStatus& s) { return s.incarnation; }},
    {"edgepost_store_commits_total", "counter", "Transactions committed.",
     [](const GatewayStatus& s) { return s.writes.commits; }},
    {"edgepost_store_events_total", "counter", "Events stored.",
     [](const GatewayStatus& s) { return s.writes.events; }},
    {"edgepost_store_written_bytes_total", "counter", "Bytes written to the database's files.",
     [](const GatewayStatus& s) { return s.writes.bytes; }},
    {"edgepost_store_syncs_total", "counter", "Times a file was synced.",
     [](const GatewayStatus& s) { return s.writes.syncs; }},
    {"edgepost_store_checkpoints_total", "counter", "Times the log went into the file.",
     [](const GatewayStatus& s) { return s.writes.checkpoints; }},
    {"edgepost_bus_subscriptions", "gauge", "Active subscriptions.",
     [](const GatewayStatus& s) { return std::uint64_t{s.bus.subscriptions}; }},
    {"edgepost_bus_published_total", "counter", "Events published on the bus.",
     [](const GatewayStatus& s) { return s.bus.published; }},
    {"edgepost_bus_delivered_total", "counter", "Calls of handlers.",
     [](const GatewayStatus& s) { return s.bus.delivered; }},
    {"edgepost_bus_failed_total", "counter", "Calls of handlers that failed.",
     [](const GatewayStatus& s) { return s.bus.failed; }},
    {"edgepost_bus_dropped_total", "counter", "Events for which a queue had no room.",
     [](const GatewayStatus& s) { return s.bus.dropped; }},
    {"edgepost_bus_retained", "gauge", "Topics whose last event is kept.",
     [](const GatewayStatus& s) { return std::uint64_t{s.bus.retained}; }},
    {"edgepost_bus_bytes", "gauge", "Heap that topics and filters take.",
     [](const GatewayStatus& s) { return std::uint64_t{s.bus.bytes}; }},
};

constexpr Family<SubscriptionStatus> kSubscriptions[] = {
    {"edgepost_bus_subscription_delivered_total", "counter", "Calls of its handler.",
     [](const SubscriptionStatus& s) { return s.delivered; }},
    {"edgepost_bus_subscription_failed_total", "counter", "Calls that failed.",
     [](const SubscriptionStatus& s) { return s.failed; }},
    {"edgepost_bus_subscription_filtered_total", "counter", "Events its conditions left out.",
     [](const SubscriptionStatus& s) { return s.filtered; }},
    {"edgepost_bus_subscription_dropped_total", "counter", "Events its queue had no room for.",
     [](const SubscriptionStatus& s) { return s.dropped; }},
    {"edgepost_bus_subscription_spilled_total", "counter", "Events that were spilled instead.",
     [](const SubscriptionStatus& s) { return s.spilled; }},
    {"edgepost_bus_subscription_blocked_total", "counter", "Publishes that waited for room.",
     [](const SubscriptionStatus& s) { return s.blocked; }},
    {"edgepost_bus_subscription_slow_total", "counter", "Calls that took longer than slow_after.",
     [](const SubscriptionStatus& s) { return s.slow; }},
    {"edgepost_bus_subscription_queued", "gauge", "Queue depth: events that wait now.",
     [](const SubscriptionStatus& s) { return std::uint64_t{s.queued}; }},
    {"edgepost_bus_subscription_queued_max", "gauge", "The most that ever waited.",
     [](const SubscriptionStatus& s) { return std::uint64_t{s.queued_max}; }},
};

constexpr Family<StreamStatus> kStreams[] = {
    {"edgepost_stream_published_total", "counter", "Events stored since the stream was created.",
     [](const StreamStatus& s) { return s.ledger.published; }},
    {"edgepost_stream_acknowledged_total", "counter", "Events that every consumer has delivered.",
     [](const StreamStatus& s) { return s.ledger.acknowledged; }},
    {"edgepost_stream_expired_total", "counter", "Events that outlived their time to live.",
     [](const StreamStatus& s) { return s.ledger.expired; }},
    {"edgepost_stream_pending", "gauge", "Queue depth: events that a consumer still wants.",
     [](const StreamStatus& s) { return s.ledger.pending; }},
    {"edgepost_stream_dead", "gauge", "Events set aside as dead letters.",
     [](const StreamStatus& s) { return s.ledger.dead; }},
    {"edgepost_stream_bytes", "gauge", "Bytes of the stream's segments.",
     [](const StreamStatus& s) { return s.bytes; }},
};

constexpr std::pair<const char*, std::uint64_t Dropped::*> kReasons[] = {
    {"max_bytes", &Dropped::max_bytes}, {"max_events", &Dropped::max_events},
    {"max_age", &Dropped::max_age},     {"max_per_key", &Dropped::max_per_key},
    {"purged", &Dropped::purged},       {"damaged", &Dropped::damaged},
};

constexpr Family<UplinkStatus> kUplinks[] = {
    {"edgepost_uplink_score", "gauge", "Health from 0 (down) to 100.",
     [](const UplinkStatus& s) { return std::uint64_t{s.score}; }},
    {"edgepost_uplink_in_flight", "gauge", "Events sent and not answered.",
     [](const UplinkStatus& s) { return std::uint64_t{s.in_flight}; }},
    {"edgepost_uplink_lag", "gauge", "Events of its streams above the floors.",
     [](const UplinkStatus& s) { return s.lag; }},
    {"edgepost_uplink_attempts_total", "counter", "Events sent, repeats included.",
     [](const UplinkStatus& s) { return s.sent; }},
    {"edgepost_uplink_acknowledged_total", "counter", "Events the upstream confirmed.",
     [](const UplinkStatus& s) { return s.acknowledged; }},
    {"edgepost_uplink_duplicates_total", "counter", "Confirmed events it had already.",
     [](const UplinkStatus& s) { return s.duplicates; }},
    {"edgepost_uplink_refused_total", "counter", "Refusals of events by the upstream.",
     [](const UplinkStatus& s) { return s.refused; }},
    {"edgepost_uplink_received_total", "counter", "Events from upstream that were stored.",
     [](const UplinkStatus& s) { return s.received; }},
    {"edgepost_uplink_received_again_total", "counter", "Events from upstream stored before.",
     [](const UplinkStatus& s) { return s.received_again; }},
    {"edgepost_uplink_received_refused_total", "counter", "Events from upstream that break a rule.",
     [](const UplinkStatus& s) { return s.received_refused; }},
    {"edgepost_uplink_connects_total", "counter", "Connections that were accepted.",
     [](const UplinkStatus& s) { return s.connects; }},
    {"edgepost_uplink_token_refreshes_total", "counter", "Credentials that were fetched.",
     [](const UplinkStatus& s) { return s.token_refreshes; }},
    {"edgepost_uplink_tls_failures_total", "counter", "Connections that TLS refused.",
     [](const UplinkStatus& s) { return s.tls_failures; }},
    {"edgepost_uplink_day_bytes", "gauge", "Bytes used of the day's budget.",
     [](const UplinkStatus& s) { return s.day_bytes; }},
    {"edgepost_uplink_month_bytes", "gauge", "Bytes used of the month's budget.",
     [](const UplinkStatus& s) { return s.month_bytes; }},
};

/// An endpoint and what it is of.
struct Lane {
  std::string_view uplink;
  std::string number;
  const EndpointStatus* status;
};

constexpr Family<Lane> kLanes[] = {
    {"edgepost_endpoint_connects_total", "counter", "Connections that were accepted.",
     [](const Lane& l) { return l.status->connects; }},
    {"edgepost_endpoint_failures_total", "counter", "Connections not made, or lost.",
     [](const Lane& l) { return l.status->failures; }},
    {"edgepost_endpoint_trips_total", "counter", "Times the circuit breaker opened.",
     [](const Lane& l) { return l.status->trips; }},
};

constexpr Family<SubscriberStatus> kSubscribers[] = {
    {"edgepost_subscriber_handled_total", "counter", "Events it acknowledged.",
     [](const SubscriberStatus& s) { return s.handled; }},
    {"edgepost_subscriber_failed_total", "counter", "Tries that failed.",
     [](const SubscriberStatus& s) { return s.failed; }},
    {"edgepost_subscriber_lag", "gauge", "Events above its floor.",
     [](const SubscriberStatus& s) { return s.lag; }},
    {"edgepost_subscriber_breaker_open", "gauge", "1 while paused, because everything failed.",
     [](const SubscriberStatus& s) { return std::uint64_t{s.is_breaker_open}; }},
};

/// Those that have a name: it is theirs alone, while two may have one filter.
void write_subscriptions(PrometheusText& out, std::vector<SubscriptionStatus> all) {
  std::erase_if(all, [](const SubscriptionStatus& one) { return one.name.empty(); });
  const auto labels_of = [](const SubscriptionStatus& one) {
    return std::array{Label{"subscription", one.name}, Label{"filter", one.filter}};
  };
  write<SubscriptionStatus>(out, kSubscriptions, all, labels_of);
  std::erase_if(all, [](const SubscriptionStatus& one) { return one.times == CallTimes(); });
  if (all.empty()) return;
  out.family("edgepost_bus_subscription_call_seconds", "histogram", "What measured calls took.");
  for (const SubscriptionStatus& one : all)
    out.histogram(labels_of(one), one.times, one.busy);
}

void write_streams(PrometheusText& out, const GatewayStatus& status) {
  write<StreamStatus>(out, kStreams, status.streams, [](const StreamStatus& stream) {
    return std::array{Label{"stream", stream.name}};
  });
  if (!status.streams.empty()) {
    out.family("edgepost_stream_dropped_total", "counter", "Events dropped, by reason.");
  }
  for (const StreamStatus& stream : status.streams) {
    for (const auto& [reason, count] : kReasons) {
      out.sample(std::array{Label{"stream", stream.name}, Label{"reason", reason}},
                 stream.ledger.dropped.*count);
    }
  }
  if (!status.streams.empty()) {
    out.family("edgepost_consumer_lag", "gauge", "Events above the consumer's floor.");
  }
  for (const StreamStatus& stream : status.streams) {
    for (const ConsumerStatus& consumer : stream.consumers) {
      out.sample(std::array{Label{"stream", stream.name}, Label{"consumer", consumer.name}},
                 consumer.lag);
    }
  }
  const auto of_group = [](const DeadLetterGroup& group) {
    return std::array{Label{"stream", group.stream}, Label{"consumer", group.consumer},
                      Label{"reason", group.reason}};
  };
  constexpr Family<DeadLetterGroup> kGroups[] = {
      {"edgepost_dead_letters", "gauge", "Events set aside, by reason.",
       [](const DeadLetterGroup& group) { return group.dead; }},
      {"edgepost_dead_letters_requeued", "gauge", "Those that wait to be delivered again.",
       [](const DeadLetterGroup& group) { return group.requeued; }},
  };
  write<DeadLetterGroup>(out, kGroups, status.dead_letters, of_group);
}

void write_uplinks(PrometheusText& out, const std::vector<UplinkStatus>& uplinks) {
  if (uplinks.empty()) return;
  write<UplinkStatus>(out, kUplinks, uplinks, [](const UplinkStatus& uplink) {
    return std::array{Label{"uplink", uplink.name}};
  });
  out.family("edgepost_uplink_state", "gauge", "1 for the state it is in.");
  for (const UplinkStatus& uplink : uplinks) {
    using enum UplinkState;
    write_states(out, {{"uplink", uplink.name}}, uplink.state,
                 {stopped, waiting, connecting, online, draining, blocked});
  }
  out.family("edgepost_uplink_health", "gauge", "1 for how well it does its work.");
  for (const UplinkStatus& uplink : uplinks) {
    using enum Health;
    write_states(out, {{"uplink", uplink.name}}, uplink.health, {healthy, degraded, down});
  }
  out.family("edgepost_uplink_answer_seconds", "histogram", "From sending to acknowledgement.");
  for (const UplinkStatus& uplink : uplinks)
    out.histogram(std::array{Label{"uplink", uplink.name}}, uplink.answer_times);
}

void write_endpoints(PrometheusText& out, const std::vector<UplinkStatus>& uplinks) {
  std::vector<Lane> lanes;
  for (const UplinkStatus& uplink : uplinks) {
    for (std::size_t i = 0; i < uplink.endpoints.size(); ++i)
      lanes.push_back({uplink.name, std::to_string(i), &uplink.endpoints[i]});
  }
  if (lanes.empty()) return;
  const auto labels_of = [](const Lane& lane) {
    return std::array{Label{"uplink", lane.uplink}, Label{"endpoint", lane.number},
                      Label{"address", lane.status->address}};
  };
  write<Lane>(out, kLanes, lanes, labels_of);
  out.family("edgepost_endpoint_bytes_total", "counter", "Bytes over the wire, by direction.");
  for (const Lane& lane : lanes) {
    const auto [uplink, number, address] = labels_of(lane);
    const Traffic& traffic = lane.status->traffic;
    out.sample(std::array{uplink, number, address, Label{"direction", "sent"}}, traffic.sent);
    out.sample(std::array{uplink, number, address, Label{"direction", "received"}},
               traffic.received);
  }
  out.family("edgepost_endpoint_breaker", "gauge", "1 for where its circuit breaker stands.");
  for (const Lane& lane : lanes) {
    using enum BreakerState;
    const auto labels = labels_of(lane);
    write_states(out, {labels.begin(), labels.end()}, lane.status->breaker,
                 {closed, open, half_open});
  }
}

}  // namespace

std::string Gateway::metrics() const {
  const GatewayStatus now = status();
  PrometheusText out;
  out.family("edgepost_info", "gauge", "1; its labels say which gateway this is.");
  out.sample(std::array{Label{"device_id", now.device_id}}, 1);
  write<GatewayStatus>(out, kGateway, {&now, 1},
                       [](const GatewayStatus&) { return std::span<const Label>(); });
  out.family("edgepost_audit_rows_total", "counter", "Calls to the world outside.");
  out.sample({}, parts_->audit.count());
  write_subscriptions(out, now.bus.named);
  write_streams(out, now);
  write_uplinks(out, now.uplinks);
  write_endpoints(out, now.uplinks);
  write<SubscriberStatus>(out, kSubscribers, now.subscribers, [](const SubscriberStatus& local) {
    return std::array{Label{"subscriber", local.name}, Label{"stream", local.stream}};
  });
  return out.take();
}

}  // namespace edgepost
