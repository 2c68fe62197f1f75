#include <algorithm>
#include <array>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"
#include "wire/cloudevents.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kExportOptions{
    kDatabase,
    Option{"stream", Takes::text, "STREAM", "", "Export this stream only"},
    Option{"from", Takes::count, "SEQ", "1", "First sequence wanted"},
    Option{"pending", Takes::nothing, "", "", "Begin behind what every consumer has settled"},
};

constexpr std::string_view kExportDetails =
    "Prints stored events for `edgepost import`: one to a line, as CloudEvents 1.0 in\n"
    "JSON with edgepost_stream, and for what waits or expires delay_ms and ttl_ms: what\n"
    "is left of it by the wall clock (all of it while that is not known to be right).\n"
    "Nothing is consumed; works beside the gateway that owns the database. Events that\n"
    "are stored meanwhile are not exported, nor are dead letters: `edgepost dead list\n"
    "--json` shows them. What is damaged is told and left out: exit code 1 at the end.\n";

// What is left now of a time that began with the event; never nothing, which an event cannot say.
Duration left_of(Duration whole, const Event& event, const Clock& clock) {
  constexpr Duration kLeast = std::chrono::milliseconds(1);
  if (!event.time || !clock.wall_is_trusted()) return whole;
  const Duration age = std::max(clock.wall() - *event.time, Duration::zero());
  return std::max(whole - age, kLeast);
}

void add_number(std::string_view name, Duration time, std::string& line) {
  const auto count = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  line.append(",\"").append(name).append("\":").append(std::to_string(count));
}

void append_line(Event event, std::string_view stream, const Clock& clock, std::string& lines) {
  const std::optional<Duration> expires_after = event.expires_after;
  event.expires_after.reset();  // else its expiry time would stand there as well
  wire::append_json(event, lines);
  lines.pop_back();  // the closing brace
  lines.append(",\"edgepost_stream\":\"").append(stream).append("\"");
  if (event.not_before) add_number("delay_ms", left_of(*event.not_before, event, clock), lines);
  if (expires_after) add_number("ttl_ms", left_of(*expires_after, event, clock), lines);
  lines.append("}\n");
}

std::uint64_t first_pending(const StreamStatus& stream) {
  std::uint64_t floor = stream.consumers.empty() ? 0 : stream.next_sequence - 1;
  for (const ConsumerStatus& consumer : stream.consumers)
    floor = std::min(floor, consumer.floor);
  return floor + 1;
}

/// Tells of what cannot be read and goes on behind it; then `is_whole` becomes false.
Status export_stream(Gateway& gateway, const StreamStatus& stream, std::uint64_t from,
                     const Clock& clock, bool& is_whole) {
  constexpr std::size_t kTogether = 1'000;
  Position next{from};
  std::size_t count = kTogether;
  std::string damage;  // just before `next`
  const auto tell = [&] {
    if (damage.empty()) return;
    say(damage + "; nothing is exported up to sequence " + std::to_string(next.sequence - 1));
    damage.clear();
    is_whole = false;
  };
  while (next.sequence < stream.next_sequence) {
    const auto events = gateway.read(stream.name, next, {.events = count, .bytes = 1024 * 1024});
    if (!events && events.status().code() == Code::corrupt) {
      // Nobody knows how far it goes: one by one up to it, and behind it.
      if (count == 1) ++next.sequence;
      if (count == 1 && damage.empty()) damage = events.status().message();
      count = 1;
      continue;
    }
    tell();
    if (!events) return events.status();
    if (events->empty()) break;
    count = std::min(count * 2, kTogether);
    std::string lines;
    for (const Event& event : *events) {
      if (event.sequence < stream.next_sequence) append_line(event, stream.name, clock, lines);
      next.sequence = event.sequence + 1;
    }
    if (Status status = put(lines); !status.is_ok()) return status;
  }
  tell();
  return {};
}

int run_export(const Options& options) {
  const auto opened = Gateway::open({.database = options.text("db"), .access = Access::read});
  if (!opened) return fail(opened.status());
  const Platform platform = default_platform();
  const std::string wanted = options.text("stream");
  bool is_known = wanted.empty();
  bool is_whole = true;
  for (const StreamStatus& stream : (*opened)->status().streams) {
    if (!wanted.empty() && stream.name != wanted) continue;
    is_known = true;
    const std::uint64_t pending = options.has("pending") ? first_pending(stream) : 1;
    const std::uint64_t from = std::max(options.count("from"), pending);
    const Status status = export_stream(**opened, stream, from, *platform.clock, is_whole);
    if (!status.is_ok()) return fail(status);
  }
  if (!is_known) return fail({Code::not_found, "unknown stream '" + wanted + "'"});
  return is_whole ? kSuccess : kFailed;
}

}  // namespace

const Command kExport{"export", "Print stored events for an import", kExportDetails, kExportOptions,
                      run_export};

}  // namespace edgepost::cli
