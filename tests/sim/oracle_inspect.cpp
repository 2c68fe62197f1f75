// What a gateway shows, beside what the oracle knows.
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "sim/oracle.hpp"
#include "support/gateway_fixture.hpp"

namespace edgepost::test {
namespace {

std::string text_of(std::uint64_t number) { return std::to_string(number); }

using Counts = std::map<std::string, std::int64_t>;

// What a query of texts and numbers returns; none when there is no such table.
std::optional<Counts> counted(Gateway& gateway, Oracle& oracle, const char* sql) {
  std::optional<Counts> counts;
  oracle.heard("reading rows", gateway.transact([&](Transaction& transaction) -> Status {
    sqlite3_stmt* select = nullptr;
    auto* const connection = static_cast<sqlite3*>(transaction.native_handle());
    if (sqlite3_prepare_v2(connection, sql, -1, &select, nullptr) == SQLITE_OK) {
      counts.emplace();
      while (sqlite3_step(select) == SQLITE_ROW) {
        const unsigned char* text = sqlite3_column_text(select, 0);
        counts->emplace(reinterpret_cast<const char*>(text), sqlite3_column_int64(select, 1));
      }
    }
    sqlite3_finalize(select);
    return {};
  }));
  return counts;
}

}  // namespace

void Oracle::note(std::size_t unit, bool is_there, Presence& presence) {
  if (!presence[unit]) presence[unit] = is_there;
  if (*presence[unit] != is_there) {
    problem("P-03", "unit " + text_of(unit) + " is there in part");
  }
}

void Oracle::inspect(Gateway& gateway, const GatewayStatus& status) {
  const Result<VerifyReport> report = gateway.verify();
  heard("verify", report.status());
  if (report) {
    for (const std::string& found : report->problems)
      problem("P-04", "verify: " + found);
  }
  Presence presence(units_.size());
  std::set<std::string> streams;
  for (const StreamStatus& stream : status.streams) {
    streams.insert(stream.name);
    inspect_stream(gateway, stream, presence);
  }
  for (const std::string& name : created_) {
    if (name != "app" && name.find('/') == std::string::npos && !streams.contains(name)) {
      problem("P-01", "stream " + name + " is missing");
    }
  }
  inspect_rows(gateway, presence);
  inspect_messages(gateway);
  for (std::size_t i = 0; i < units_.size(); ++i) {
    Unit& unit = units_[i];
    const bool is_there = presence[i].value_or(unit.fate == Fate::stored);
    if (unit.fate == Fate::stored && !is_there) {
      problem("P-01", "unit " + text_of(i) + " was stored and is missing");
    }
    if (unit.fate == Fate::refused && presence[i].value_or(false)) {
      problem("P-02", "unit " + text_of(i) + " had failed and is there");
    }
    unit.fate = is_there ? Fate::stored : Fate::refused;
  }
}

void Oracle::inspect_stream(Gateway& gateway, const StreamStatus& status, Presence& presence) {
  inspect_books(status);
  const Result<std::vector<Event>> events =
      gateway.read(status.name, Position::start(), {.events = 1'000'000, .bytes = 1U << 30U});
  heard("reading " + status.name, events.status());
  if (!events) return;
  inspect_events(status, *events, presence);
  inspect_consumers(status);
}

void Oracle::inspect_events(const StreamStatus& status, const std::vector<Event>& events,
                            Presence& presence) {
  std::uint64_t expected = status.first_sequence;
  std::uint64_t last_serial = 0;
  std::set<std::uint64_t> there;
  for (const Event& event : events) {
    const std::string where = status.name + ", sequence " + text_of(event.sequence);
    if (event.sequence != expected) problem("P-10", where + ": should be " + text_of(expected));
    expected = event.sequence + 1;
    const Place* place = find(status.name, event);
    if (place == nullptr) continue;
    Entry& entry = units_[place->unit].entries[place->entry];
    if (entry.serial <= last_serial) problem("P-10", where + ": not in the order of publishing");
    last_serial = entry.serial;
    there.insert(entry.serial);
    note(place->unit, true, presence);
    identify(entry, event.id);
    entry.sequence = event.sequence;
  }
  if (expected != status.next_sequence) {
    problem("P-10", status.name + " ends before sequence " + text_of(status.next_sequence));
  }
  for (const auto& [key, place] : places_) {
    if (key.first != status.name || there.contains(key.second)) continue;
    const std::uint64_t sequence = units_[place.unit].entries[place.entry].sequence;
    const bool is_trimmed = sequence != 0 && sequence < status.first_sequence &&
                            units_[place.unit].fate == Fate::stored;
    if (!is_trimmed) note(place.unit, false, presence);
  }
}

// An event counts as acknowledged when it took effect for every consumer, and must do so once all
// of them have stored that.
void Oracle::inspect_books(const StreamStatus& status) {
  const Ledger& ledger = status.ledger;
  if (!balances(ledger) || ledger.published != status.next_sequence - 1) {
    problem("P-04", "the books of " + status.name + " do not balance");
  }
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  bool has_consumers = false;
  std::uint64_t stored = status.next_sequence;
  for (const auto& [name, progress] : consumers_) {
    if (progress.stream != status.name) continue;
    has_consumers = true;
    stored = std::min(stored, progress.durable_floor);
  }
  for (std::uint64_t sequence = 1; has_consumers && sequence < status.next_sequence; ++sequence) {
    if (sequence <= stored) ++least;
    const bool is_everywhere =
        std::all_of(consumers_.begin(), consumers_.end(), [&](const auto& consumer) {
          const Progress& progress = consumer.second;
          return progress.stream != status.name || progress.effects.has(sequence);
        });
    if (is_everywhere) ++most;
  }
  if (ledger.acknowledged >= least && ledger.acknowledged <= most) return;
  problem("P-04", "the books of " + status.name + " count " + text_of(ledger.acknowledged) +
                      " as acknowledged; it must be " + text_of(least) + " to " + text_of(most));
}

void Oracle::inspect_consumers(const StreamStatus& status) {
  std::uint64_t proven = 0;  // what every consumer has acknowledged
  bool is_first = true;
  for (const auto& [name, progress] : consumers_) {
    if (progress.stream != status.name) continue;
    const std::uint64_t floor = progress.effects.floor;
    proven = is_first ? floor : std::min(proven, floor);
    is_first = false;
  }
  if (status.first_sequence - 1 > proven) {
    problem("P-05", status.name + " begins at " + text_of(status.first_sequence) +
                        ", took effect is only " + text_of(proven));
  }
  std::set<std::string> names;
  for (const ConsumerStatus& consumer : status.consumers) {
    names.insert(consumer.name);
    const auto [place, is_new] = consumers_.try_emplace(consumer.name);
    Progress& progress = place->second;
    const std::string what = "consumer " + consumer.name + ", floor " + text_of(consumer.floor);
    if (!is_new && consumer.floor > progress.effects.floor) {
      problem("P-05", what + ": took effect is only " + text_of(progress.effects.floor));
    }
    if (consumer.floor < progress.durable_floor) {
      problem("P-12", what + ": stored was " + text_of(progress.durable_floor));
    }
    // What is above the stored floor is a note for the death of the process alone, and may go.
    progress.stream = status.name;
    if (is_new) progress.effects.floor = consumer.floor;
  }
  for (const std::string& name : created_) {
    const std::string prefix = status.name + "/";
    if (name.starts_with(prefix) && !names.contains(name.substr(prefix.size()))) {
      problem("P-01", "consumer " + name + " is missing");
    }
  }
}

void Oracle::inspect_rows(Gateway& gateway, const Presence& presence) {
  const auto found = counted(gateway, *this, "SELECT unit, count(*) FROM app GROUP BY unit");
  std::optional<std::set<std::size_t>> rows;
  if (found) rows.emplace();
  for (const auto& [unit, count] : found.value_or(Counts{}))
    rows->insert(static_cast<std::size_t>(std::stoull(unit)));
  if (!rows && created_.contains("app")) problem("P-03", "the table of the workload is missing");
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (!units_[i].has_row) continue;
    const bool has_row = rows && rows->contains(i);
    if (has_row != presence[i].value_or(units_[i].fate == Fate::stored)) {
      problem("P-03", "unit " + text_of(i) + ": row and events disagree");
    }
  }
  if (!rows) return;
  for (const std::size_t row : *rows) {
    if (row >= units_.size() || !units_[row].has_row) {
      problem("P-02", "row " + text_of(row) + " was never written");
    }
  }
}

void Oracle::inspect_messages(Gateway& gateway) {
  const Counts effects =
      counted(gateway, *this, "SELECT message, count(*) FROM effect GROUP BY message")
          .value_or(Counts{});
  for (const auto& [message, is_confirmed] : messages_) {
    const auto found = effects.find(message);
    const std::int64_t count = found == effects.end() ? 0 : found->second;
    if (count > 1 || (is_confirmed && count == 0)) {
      problem("P-13", "message " + message + " took effect " + std::to_string(count) + " times");
    }
  }
}

}  // namespace edgepost::test
