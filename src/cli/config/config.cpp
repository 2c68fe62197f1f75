#include "cli/config/config.hpp"

#include <algorithm>
#include <array>

#include "cli/config/field.hpp"
#include "cli/config/uplink_fields.hpp"

namespace edgepost::cli {
namespace {

using G = GatewayOptions;
using R = RouteOptions;
using S = StreamOptions;
constexpr auto kG = &Config::gateway;
constexpr auto kR = &RoutePlan::options;
constexpr auto kS = &StreamPlan::options;

constexpr std::array kStream{
    needed(field<kS, &S::name>("name", "Letters a-z, digits, - _ .")),
    field<kS, &S::filters>("filters", "Topics it takes"),
    field<kS, &S::retention>("retention", "When an event leaves it; fixed once it is made"),
    field<kS, &S::discard>("discard", "What happens when it is full"),
    field<kS, &S::max_bytes>("max_bytes", "0: no limit but the disk", kBytes),
    field<kS, &S::max_events>("max_events", "0: no limit"),
    field<kS, &S::max_age>("max_age", "Older ones are dropped; 0s: none"),
    field<kS, &S::max_per_key>("max_per_key", "Newest kept of each key; 0: all", Range{0, 1'000}),
    field<kS, &S::priority>("priority", "The highest is drained first"),
};

constexpr std::array kRoute{
    needed(field<&RoutePlan::filter>("filter", "Topics")),
    needed(field<&RoutePlan::stream>("stream", "Where they go")),
    field<kR, &R::every>("every", "Only every n-th event of a topic; 1: all", Range{1}),
    field<kR, &R::interval>("interval", "At most one event of a topic in each; 0s: all"),
    field<kR, &R::durability>("durability", "Else as the publisher says"),
};

void read_uplinks(const wire::JsonNode& node, const Range& /*range*/, Config& config,
                  Reading& reading) {
  if (node.kind != wire::JsonKind::array) {
    return reading.complain(node, "an array of objects is wanted");
  }
  for (const wire::JsonNode& child : node.children) {
    UplinkPlan& plan = config.uplinks.emplace_back();
    plan.origin = origin_of(child);
    read_object(child, uplink_fields(), plan, reading);
  }
}

void explain_uplinks(std::size_t indent, std::string& out) {
  explain_object(uplink_fields(), indent, out);
}

void refuse_later(const wire::JsonNode& node, const Range& /*range*/, Config& /*config*/,
                  Reading& reading) {
  reading.complain(node, "this version of edgepost cannot do that yet");
}

constexpr Field<Config> later(std::string_view name) {
  return {.name = name, .help = "Not in this version: refused", .read = refuse_later};
}

constexpr std::array kConfig{
    needed(field<kG, &G::database>("database", "Path of the database; made if it is missing")),
    field<kG, &G::device_id>("device_id", "Else gw- and the database's own identity"),
    field<kG, &G::source>("source", "CloudEvents source of its events; else / and device_id"),
    list<kStream, &Config::streams>("streams", "Durable logs of events"),
    list<kRoute, &Config::routes>("routes", "More topics for streams"),
    Field<Config>{"uplinks", "Upstreams", read_uplinks, nullptr, nullptr, explain_uplinks},
    field<kG, &G::limits, &EventLimits::data_bytes_max>("data_bytes_max", "Of one event",
                                                        Range{1, std::uint64_t{64} << 20U, true}),
    field<kG, &G::flush_interval>("flush_interval", "Age of a buffered event"),
    field<kG, &G::buffer_bytes_max>("buffer_bytes_max", "Buffered events", kBytes),
    field<kG, &G::group_bytes_max>("group_bytes_max", "One commit", kBytes),
    field<kG, &G::ack_flush>("ack_flush", "Age of an unstored acknowledgement"),
    field<kG, &G::ack_flush_events>("ack_flush_events", "Their number", Range{1}),
    field<kG, &G::disk_bytes_max>("disk_bytes_max", "Database and log; 0: no limit but the disk",
                                  kBytes),
    field<kG, &G::reserve_bytes>("reserve_bytes", "Kept free, to drain a full disk; 0: none",
                                 kBytes),
    field<kG, &G::audit_rows>("audit_rows", "In memory", Range{0, 1'000'000}),
    field<kG, &G::claims_max>("claims_max", "Remembered of each inbox", Range{1}),
    field<&Config::metrics_file>("metrics_file",
                                 "Written anew each metrics_interval, for Prometheus"),
    field<&Config::metrics_interval>("metrics_interval", "Between two writings", Range{1}),
    field<&Config::stop_patience>("stop_patience", "For answers, before an end or a reload"),
    field<&Config::log_level>("log_level", "Lines below are dropped"),
    later("documents"),
    later("rules"),
};

/// Notes plans of the same name.
template <typename Plan>
void refuse_twins(const std::vector<Plan>& plans, Problems& problems) {
  for (std::size_t i = 1; i < plans.size(); ++i) {
    const std::string& name = plans[i].options.name;
    const auto is_same = [&name](const Plan& plan) { return plan.options.name == name; };
    if (name.empty() || std::none_of(plans.begin(), plans.begin() + static_cast<long>(i), is_same))
      continue;
    problems.add(plans[i].origin, "name: \"" + name + "\" stands there twice");
  }
}

}  // namespace

Config read_config(std::string_view json, const Environment& environment, const Platform& platform,
                   Problems& problems) {
  Config config;
  config.gateway.platform = platform;
  const wire::JsonTree tree = wire::read_json_tree(json);
  if (!tree.error.empty()) {
    problems.add({.line = tree.error_line}, tree.error);
    return config;
  }
  Reading reading{.environment = environment, .platform = platform};
  read_object(tree.root, kConfig, config, reading);
  refuse_twins(config.streams, reading.problems);
  refuse_twins(config.uplinks, reading.problems);
  problems = std::move(reading.problems);
  return config;
}

std::string explain_config() {
  std::string out;
  explain_object(kConfig, 0, out);
  return out;
}

}  // namespace edgepost::cli
