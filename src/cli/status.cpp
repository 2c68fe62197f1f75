#include <algorithm>
#include <array>

#include "cli/command.hpp"
#include "cli/output.hpp"
#include "edgepost/gateway.hpp"

namespace edgepost::cli {
namespace {

constexpr std::array kOptions{
    kDatabase,
    Option{"json", Takes::nothing, "", "", "Print one JSON object"},
};

constexpr std::string_view kDetails =
    "It tells how many times the database was opened by an owner, and for each stream\n"
    "its first and next sequence and its books, which balance: published =\n"
    "acknowledged + pending + expired + dropped + dead. For each consumer: the sequence\n"
    "up to which everything is acknowledged (floor) and the number of events behind it\n"
    "(lag). It changes nothing and works beside a running gateway.\n";

std::string as_json(const ConsumerStatus& consumer) {
  JsonObject object;
  object.add("name", std::string_view(consumer.name)).add("floor", consumer.floor);
  return object.add("lag", consumer.lag).text();
}

std::string as_json(const Ledger& ledger) {
  JsonObject object;
  object.add("published", ledger.published).add("acknowledged", ledger.acknowledged);
  object.add("pending", ledger.pending).add("expired", ledger.expired);
  return object.add("dropped", ledger.dropped.total()).add("dead", ledger.dead).text();
}

std::string as_json(const StreamStatus& stream) {
  std::vector<std::string> consumers;
  for (const ConsumerStatus& consumer : stream.consumers)
    consumers.push_back(as_json(consumer));
  JsonObject object;
  object.add("name", std::string_view(stream.name));
  object.add("first_sequence", stream.first_sequence).add("next_sequence", stream.next_sequence);
  object.add_json("ledger", as_json(stream.ledger));
  return object.add_json("consumers", json_array(consumers)).text();
}

std::string as_json(const GatewayStatus& status, const std::string& path) {
  std::vector<std::string> streams;
  for (const StreamStatus& stream : status.streams)
    streams.push_back(as_json(stream));
  std::optional<std::uint64_t> owner;
  if (status.owner_pid > 0) owner = static_cast<std::uint64_t>(status.owner_pid);
  JsonObject object;
  object.add("database", std::string_view(path));
  object.add("device_id", std::string_view(status.device_id));
  object.add("database_bytes", status.database_bytes).add("incarnation", status.incarnation);
  object.add("owner_pid", owner);
  if (status.damage) object.add("evidence", std::string_view(status.damage->set_aside));
  return object.add_json("streams", json_array(streams)).text() + "\n";
}

std::string as_text(const GatewayStatus& status, const std::string& path) {
  using std::to_string;
  std::string text = "database  " + path + ", " + to_string(status.database_bytes) + " bytes\n";
  text += "device    " + status.device_id + "\nowner     ";
  text += status.owner_pid > 0 ? "process " + to_string(status.owner_pid) + "\n" : "nobody\n";
  text += "opened    " + to_string(status.incarnation) + " times\n";
  if (status.damage) text += "damaged   before; evidence in " + status.damage->set_aside + "\n";
  std::vector<Row> streams{{"STREAM", "FIRST", "NEXT", "PUBLISHED", "ACKNOWLEDGED", "PENDING",
                            "EXPIRED", "DROPPED", "DEAD"}};
  std::vector<Row> consumers{{"CONSUMER", "FLOOR", "LAG"}};
  for (const StreamStatus& stream : status.streams) {
    const Ledger& books = stream.ledger;
    streams.push_back(
        {stream.name, to_string(stream.first_sequence), to_string(stream.next_sequence),
         to_string(books.published), to_string(books.acknowledged), to_string(books.pending),
         to_string(books.expired), to_string(books.dropped.total()), to_string(books.dead)});
    for (const ConsumerStatus& consumer : stream.consumers) {
      consumers.push_back(
          {stream.name + "/" + consumer.name, to_string(consumer.floor), to_string(consumer.lag)});
    }
  }
  if (streams.size() > 1) text += "\n" + as_table(streams);
  if (consumers.size() > 1) text += "\n" + as_table(consumers);
  return text;
}

int run(const Options& options) {
  const std::string path = options.text("db");
  const auto gateway = Gateway::open({.database = path, .access = Access::read});
  if (!gateway) return fail(gateway.status());
  const GatewayStatus status = (*gateway)->status();
  const Status written = put(options.has("json") ? as_json(status, path) : as_text(status, path));
  return written.is_ok() ? kSuccess : fail(written);
}

}  // namespace

const Command kStatus{"status", "Show streams, consumers and their books", kDetails, kOptions, run};

}  // namespace edgepost::cli
