#include <algorithm>
#include <array>
#include <utility>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kStatusOptions{
    kDatabase,
    Option{"json", Takes::nothing, "", "", "Print one JSON object"},
};

constexpr std::string_view kStatusDetails =
    "It tells how many times the database was opened by an owner and what the last one\n"
    "has written to the disk, and for each stream its first and next sequence and its\n"
    "books, which balance: published = acknowledged + pending + expired + dropped +\n"
    "dead. For each consumer: the sequence up to which everything is acknowledged\n"
    "(floor) and the number of events behind it (lag). Then what each stream holds and\n"
    "may hold, why events were dropped, and how many dead letters wait. It changes\n"
    "nothing and works beside a running gateway.\n";

// Values of 0 that mean none.
std::optional<std::uint64_t> limit(std::uint64_t value) {
  return value > 0 ? std::optional(value) : std::nullopt;
}

std::uint64_t milliseconds(Duration time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

std::uint64_t kept(const StreamStatus& stream) {
  return stream.next_sequence - stream.first_sequence;
}

std::string_view word(Retention retention) {
  switch (retention) {
    case Retention::interest:
      return "interest";
    case Retention::limits:
      return "limits";
    case Retention::work_queue:
      return "work_queue";
  }
  return "";
}

std::string_view word(Discard discard) {
  return discard == Discard::new_events ? "new_events" : "old_events";
}

// With one decimal; empty before the first event.
std::string bytes_per_event(const WriteStatus& writes) {
  if (writes.events == 0) return "";
  const std::uint64_t tenths = writes.bytes * 10 / writes.events;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

// Each reason for which events are dropped, as JSON and tables name it.
using Reason = std::pair<std::string_view, std::uint64_t Dropped::*>;
constexpr std::array kReasons{
    Reason{"max_bytes", &Dropped::max_bytes}, Reason{"max_events", &Dropped::max_events},
    Reason{"max_age", &Dropped::max_age},     Reason{"max_per_key", &Dropped::max_per_key},
    Reason{"purged", &Dropped::purged},       Reason{"damaged", &Dropped::damaged},
};

std::string as_json(const ConsumerStatus& consumer) {
  JsonObject object;
  object.add("name", std::string_view(consumer.name)).add("floor", consumer.floor);
  return object.add("lag", consumer.lag).text();
}

std::string as_json(const Ledger& ledger) {
  JsonObject object;
  object.add("published", ledger.published).add("acknowledged", ledger.acknowledged);
  object.add("pending", ledger.pending).add("expired", ledger.expired);
  object.add("dropped", ledger.dropped.total()).add("dead", ledger.dead);
  JsonObject reasons;
  for (const auto& [name, count] : kReasons)
    reasons.add(name, ledger.dropped.*count);
  return object.add_json("dropped_by_reason", reasons.text()).text();
}

std::string as_json(const StreamOptions& options) {
  JsonObject object;
  object.add("retention", word(options.retention)).add("discard", word(options.discard));
  object.add("max_bytes", limit(options.max_bytes)).add("max_events", limit(options.max_events));
  object.add("max_age_ms", limit(milliseconds(options.max_age)));
  return object.add("max_per_key", limit(std::uint64_t{options.max_per_key})).text();
}

std::string as_json(const DeadLetterGroup& group) {
  JsonObject object;
  object.add("consumer", std::string_view(group.consumer));
  object.add("reason", std::string_view(group.reason));
  return object.add("dead", group.dead).add("requeued", group.requeued).text();
}

std::string as_json(const WriteStatus& writes) {
  JsonObject object;
  object.add("bytes", writes.bytes).add("events", writes.events);
  const std::string each = bytes_per_event(writes);
  object.add_json("bytes_per_event", each.empty() ? "null" : each);
  object.add("commits", writes.commits).add("syncs", writes.syncs);
  return object.add("checkpoints", writes.checkpoints).text();
}

std::string as_json(const StreamStatus& stream, const std::vector<DeadLetterGroup>& dead) {
  std::vector<std::string> groups;
  for (const DeadLetterGroup& group : dead) {
    if (group.stream == stream.name) groups.push_back(as_json(group));
  }
  std::vector<std::string> consumers;
  for (const ConsumerStatus& consumer : stream.consumers)
    consumers.push_back(as_json(consumer));
  JsonObject object;
  object.add("name", std::string_view(stream.name));
  object.add("first_sequence", stream.first_sequence).add("next_sequence", stream.next_sequence);
  object.add("events", kept(stream)).add("bytes", stream.bytes);
  object.add_json("limits", as_json(stream.options));
  object.add_json("ledger", as_json(stream.ledger));
  object.add_json("dead_letters", json_array(groups));
  return object.add_json("consumers", json_array(consumers)).text();
}

std::string as_json(const GatewayStatus& status, const std::string& path) {
  std::vector<std::string> streams;
  for (const StreamStatus& stream : status.streams)
    streams.push_back(as_json(stream, status.dead_letters));
  std::optional<std::uint64_t> owner;
  if (status.owner_pid > 0) owner = static_cast<std::uint64_t>(status.owner_pid);
  JsonObject object;
  object.add("database", std::string_view(path));
  object.add("device_id", std::string_view(status.device_id));
  object.add("database_bytes", status.database_bytes).add("free_bytes", status.free_bytes);
  object.add("log_bytes", status.log_bytes).add("incarnation", status.incarnation);
  object.add("owner_pid", owner).add_bool("reserve_used", status.is_reserve_used);
  object.add_json("writes", as_json(status.writes));
  if (status.damage) object.add("evidence", std::string_view(status.damage->set_aside));
  return object.add_json("streams", json_array(streams)).text() + "\n";
}

std::string limit_text(std::optional<std::uint64_t> limit, const char* unit = "") {
  return limit ? std::to_string(*limit) + unit : "-";
}

// A table unless it has nothing but its head.
std::string paragraph(const std::vector<Row>& rows) {
  return rows.size() > 1 ? "\n" + as_table(rows) : "";
}

std::string summary(const GatewayStatus& status, const std::string& path) {
  using std::to_string;
  const WriteStatus& writes = status.writes;
  std::string text = "database  " + path + ", " + to_string(status.database_bytes) + " bytes, " +
                     to_string(status.free_bytes) + " of them free; log " +
                     to_string(status.log_bytes) + " bytes\n";
  text += "device    " + status.device_id + "\nowner     ";
  text += status.owner_pid > 0 ? "process " + to_string(status.owner_pid) + "\n" : "nobody\n";
  text += "opened    " + to_string(status.incarnation) + " times\n";
  text +=
      "written   " + to_string(writes.bytes) + " bytes for " + to_string(writes.events) + " events";
  if (writes.events > 0) text += " (" + bytes_per_event(writes) + " each)";
  text += "; " + to_string(writes.commits) + " commits, " + to_string(writes.syncs) + " syncs, " +
          to_string(writes.checkpoints) + " checkpoints\n";
  if (status.is_reserve_used) text += "disk      full; the reserve serves acknowledging\n";
  if (status.damage) text += "damaged   before; evidence in " + status.damage->set_aside + "\n";
  return text;
}

std::string as_text(const GatewayStatus& status, const std::string& path) {
  using std::to_string;
  std::vector<Row> streams{{"STREAM", "FIRST", "NEXT", "PUBLISHED", "ACKNOWLEDGED", "PENDING",
                            "EXPIRED", "DROPPED", "DEAD"}};
  std::vector<Row> consumers{{"CONSUMER", "FLOOR", "LAG"}};
  std::vector<Row> limits{
      {"LIMITS", "BYTES", "OF", "EVENTS", "OF", "MAX AGE", "PER KEY", "RETENTION", "DISCARD"}};
  std::vector<Row> drops{{"DROPPED", "REASON", "EVENTS"}};
  std::vector<Row> dead{{"DEAD LETTERS", "REASON", "DEAD", "REQUEUED"}};
  for (const StreamStatus& stream : status.streams) {
    const Ledger& books = stream.ledger;
    const StreamOptions& options = stream.options;
    streams.push_back(
        {stream.name, to_string(stream.first_sequence), to_string(stream.next_sequence),
         to_string(books.published), to_string(books.acknowledged), to_string(books.pending),
         to_string(books.expired), to_string(books.dropped.total()), to_string(books.dead)});
    for (const ConsumerStatus& consumer : stream.consumers) {
      consumers.push_back(
          {stream.name + "/" + consumer.name, to_string(consumer.floor), to_string(consumer.lag)});
    }
    limits.push_back({stream.name, to_string(stream.bytes), limit_text(limit(options.max_bytes)),
                      to_string(kept(stream)), limit_text(limit(options.max_events)),
                      limit_text(limit(milliseconds(options.max_age)), " ms"),
                      limit_text(limit(options.max_per_key)), std::string(word(options.retention)),
                      std::string(word(options.discard))});
    for (const auto& [name, count] : kReasons) {
      if (const std::uint64_t events = books.dropped.*count; events > 0) {
        drops.push_back({stream.name, std::string(name), to_string(events)});
      }
    }
  }
  for (const DeadLetterGroup& group : status.dead_letters) {
    dead.push_back({group.stream + "/" + group.consumer, group.reason, to_string(group.dead),
                    to_string(group.requeued)});
  }
  return summary(status, path) + paragraph(streams) + paragraph(consumers) + paragraph(limits) +
         paragraph(drops) + paragraph(dead);
}

int run_status(const Options& options) {
  const std::string path = options.text("db");
  const auto gateway = Gateway::open({.database = path, .access = Access::read});
  if (!gateway) return fail(gateway.status());
  const GatewayStatus status = (*gateway)->status();
  const Status written = put(options.has("json") ? as_json(status, path) : as_text(status, path));
  return written.is_ok() ? kSuccess : fail(written);
}

}  // namespace

const Command kStatus{"status", "Show streams, consumers and their books", kStatusDetails,
                      kStatusOptions, run_status};

}  // namespace edgepost::cli
