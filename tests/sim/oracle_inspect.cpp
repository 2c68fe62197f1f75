// What a gateway shows, beside what the oracle knows.
#include <sqlite3.h>

#include <algorithm>
#include <utility>

#include "sim/oracle.hpp"
#include "support/gateway_fixture.hpp"

namespace edgepost::test {
namespace {

using std::to_string;

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
    problem("P-03", "unit " + to_string(unit) + " is there in part");
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
    if (!unwatched_.contains(stream.name)) {
      inspect_stream(gateway, stream, presence);
    } else if (!balances(stream.ledger)) {
      problem("P-04", "the books of " + stream.name + " do not balance");
    }
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
      problem("P-01", "unit " + to_string(i) + " was stored and is missing");
    }
    if (unit.fate == Fate::refused && presence[i].value_or(false)) {
      problem("P-02", "unit " + to_string(i) + " had failed and is there");
    }
    unit.fate = is_there ? Fate::stored : Fate::refused;
  }
}

void Oracle::inspect_stream(Gateway& gateway, const StreamStatus& status, Presence& presence) {
  const Result<std::vector<Event>> events =
      gateway.read(status.name, Position::start(), {.events = 1'000'000, .bytes = 1U << 30U});
  heard("reading " + status.name, events.status());
  if (!events) return;
  newest_[status.name] = std::max(newest_[status.name], status.next_sequence - 1);
  inspect_events(status, *events, presence);
  inspect_books(status);
  inspect_consumers(status);
  inspect_dead_letters(gateway, status);
}

void Oracle::inspect_events(const StreamStatus& status, const std::vector<Event>& events,
                            Presence& presence) {
  std::uint64_t expected = status.first_sequence;
  std::uint64_t last_serial = 0;
  std::set<std::uint64_t> there;
  std::vector<std::uint64_t> gaps;
  const auto pass_gap = [&](std::uint64_t end) {
    for (; expected < end; ++expected)
      gaps.push_back(expected);
  };
  for (const Event& event : events) {
    const std::string where = status.name + ", sequence " + to_string(event.sequence);
    pass_gap(event.sequence);
    if (event.sequence != expected) problem("P-10", where + ": should be " + to_string(expected));
    expected = event.sequence + 1;
    const Place* place = find(status.name, event);
    if (place == nullptr) continue;
    Entry& entry = units_[place->unit].entries[place->entry];
    if (entry.serial <= last_serial) problem("P-10", where + ": not in the order of publishing");
    last_serial = entry.serial;
    there.insert(entry.serial);
    note(place->unit, true, presence);
    identify(*place, event.id, event.sequence);
  }
  pass_gap(status.next_sequence);
  for (const std::uint64_t gap : gaps) {
    if (may_be_replaced(status.name, gap)) continue;
    problem("P-10", status.name + " has no sequence " + to_string(gap));
  }
  for (const auto& [key, place] : places_) {
    if (key.first != status.name || there.contains(key.second)) continue;
    const std::uint64_t sequence = units_[place.unit].entries[place.entry].sequence;
    const bool is_trimmed =
        sequence != 0 && units_[place.unit].fate == Fate::stored &&
        (sequence < status.first_sequence || may_be_replaced(status.name, sequence));
    if (!is_trimmed) note(place.unit, false, presence);
  }
}

bool Oracle::may_be_expired(const Entry& entry) const {
  return entry.expires_after && now_ >= entry.published + *entry.expires_after;
}

// A newer event of its key is stored.
bool Oracle::may_be_replaced(const std::string& stream, std::uint64_t sequence) const {
  const Entry* entry = known(stream, sequence);
  if (!replacing_.contains(stream) || entry == nullptr || entry->key.empty()) return false;
  const std::uint64_t newest = newest_.at(stream);
  for (std::uint64_t newer = sequence + 1; newer <= newest; ++newer) {
    const Entry* other = known(stream, newer);
    if (other != nullptr && other->key == entry->key) return true;
  }
  return false;
}

// Streams drop whole segments; those of the workload have few events.
bool Oracle::may_be_dropped(const std::string& stream, std::uint64_t sequence) const {
  constexpr std::uint64_t kSegment = 6;
  const auto limit = limits_.find(stream);
  const auto newest = newest_.find(stream);
  if (may_be_replaced(stream, sequence)) return true;
  if (limit == limits_.end() || newest == newest_.end()) return false;
  return sequence + limit->second < newest->second + 1 + kSegment;
}

const Oracle::Entry* Oracle::known(const std::string& stream, std::uint64_t sequence) const {
  const auto place = sequences_.find({stream, sequence});
  if (place == sequences_.end()) return nullptr;
  return &units_[place->second.unit].entries[place->second.entry];
}

bool Oracle::may_be_settled(const Progress& progress, std::uint64_t sequence) const {
  if (progress.effects.has(sequence) || may_be_dropped(progress.stream, sequence)) return true;
  const Entry* entry = known(progress.stream, sequence);
  return entry != nullptr && (entry->is_rejected || may_be_expired(*entry));
}

std::uint64_t Oracle::floor_at_most(const Progress& progress) const {
  std::uint64_t floor = progress.effects.floor;
  const auto newest = newest_.find(progress.stream);
  const std::uint64_t end = newest == newest_.end() ? 0 : newest->second;
  while (floor < end && may_be_settled(progress, floor + 1))
    ++floor;
  return floor;
}

// What became of each event is known from outside, or it can be only one of a few things: each book
// lies between what must and what can be in it. With several consumers the last to finish decides.
void Oracle::inspect_books(const StreamStatus& status) {
  const Ledger& ledger = status.ledger;
  if (!balances(ledger) || ledger.published != status.next_sequence - 1) {
    problem("P-04", "the books of " + status.name + " do not balance");
  }
  std::vector<const Progress*> consumers;
  for (const auto& [name, progress] : consumers_) {
    if (progress.stream == status.name) consumers.push_back(&progress);
  }
  struct Range {
    std::uint64_t least = 0;
    std::uint64_t most = 0;
  };
  Range acknowledged;
  Range expired;
  Range dropped;
  Range dead;
  for (std::uint64_t sequence = 1; sequence < status.next_sequence; ++sequence) {
    const Entry* entry = known(status.name, sequence);
    const bool can_expire = entry != nullptr && may_be_expired(*entry);
    const bool can_die = entry != nullptr && entry->is_rejected;
    const bool can_drop =
        may_be_dropped(status.name, sequence) || (entry != nullptr && entry->is_purged);
    if (can_expire) ++expired.most;
    if (can_die) ++dead.most;
    if (can_drop) ++dropped.most;
    if (consumers.empty()) continue;
    const auto is_stored = [&](const Progress* of) { return sequence <= of->durable_floor; };
    const auto has_effect = [&](const Progress* of) { return of->effects.has(sequence); };
    const auto can_settle = [&](const Progress* of) { return may_be_settled(*of, sequence); };
    if (std::any_of(consumers.begin(), consumers.end(), has_effect) &&
        std::all_of(consumers.begin(), consumers.end(), can_settle)) {
      ++acknowledged.most;
    }
    if (can_expire || can_die || can_drop) continue;
    if (std::all_of(consumers.begin(), consumers.end(), is_stored)) ++acknowledged.least;
  }
  const auto check = [&](const char* book, std::uint64_t count, const Range& range) {
    if (count >= range.least && count <= range.most) return;
    problem("P-04", "the books of " + status.name + " have " + to_string(count) + " events as " +
                        book + ", not " + to_string(range.least) + " to " + to_string(range.most));
  };
  check("acknowledged", ledger.acknowledged, acknowledged);
  check("expired", ledger.expired, expired);
  check("dropped", ledger.dropped.total(), dropped);
  check("dead", ledger.dead, dead);
  const auto limit = limits_.find(status.name);
  if (limit != limits_.end() && status.next_sequence - status.first_sequence > limit->second) {
    problem("P-22", status.name + " keeps more than " + to_string(limit->second) + " events");
  }
}

void Oracle::inspect_consumers(const StreamStatus& status) {
  std::uint64_t proven = 0;  // what every consumer has acknowledged
  bool is_first = true;
  for (const auto& [name, progress] : consumers_) {
    if (progress.stream != status.name) continue;
    const std::uint64_t floor = floor_at_most(progress);
    proven = is_first ? floor : std::min(proven, floor);
    is_first = false;
  }
  if (status.first_sequence - 1 > proven) {
    problem("P-05", status.name + " begins at " + to_string(status.first_sequence) +
                        ", took effect is only " + to_string(proven));
  }
  std::set<std::string> names;
  for (const ConsumerStatus& consumer : status.consumers) {
    names.insert(consumer.name);
    const auto [place, is_new] = consumers_.try_emplace(consumer.name);
    Progress& progress = place->second;
    const std::string what = "consumer " + consumer.name + ", floor " + to_string(consumer.floor);
    if (!is_new && consumer.floor > floor_at_most(progress)) {
      problem("P-05", what + ": took effect is only " + to_string(floor_at_most(progress)));
    }
    if (consumer.floor < progress.durable_floor) {
      problem("P-12", what + ": stored was " + to_string(progress.durable_floor));
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

// A consumer has passed an event because it took effect, or its time or room was over, or it is a
// dead letter: nothing else may become of it.
void Oracle::inspect_dead_letters(Gateway& gateway, const StreamStatus& status) {
  const auto letters = gateway.dead_letters({.stream = status.name}, 1'000'000);
  heard("reading dead letters", letters.status());
  if (!letters) return;
  std::map<std::string, std::set<std::uint64_t>> dead;
  for (const DeadLetter& letter : *letters) {
    dead[letter.consumer].insert(letter.event.sequence);
    const Place* place = find(status.name, letter.event);
    if (place == nullptr || letter.is_requeued) continue;
    if (units_[place->unit].entries[place->entry].is_rejected) continue;
    problem("P-11", status.name + ", sequence " + to_string(letter.event.sequence) +
                        ": a dead letter that nobody gave up");
  }
  for (const ConsumerStatus& consumer : status.consumers) {
    const Progress& progress = consumers_[consumer.name];
    for (std::uint64_t sequence = 1; sequence <= consumer.floor; ++sequence) {
      const Entry* entry = known(status.name, sequence);
      if (entry == nullptr || entry->is_purged || may_be_expired(*entry)) continue;
      if (progress.effects.has(sequence) || may_be_dropped(status.name, sequence)) continue;
      if (dead[consumer.name].contains(sequence)) continue;
      problem("P-11", "consumer " + consumer.name + " has passed sequence " + to_string(sequence) +
                          ", which neither took effect nor is a dead letter");
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
      problem("P-03", "unit " + to_string(i) + ": row and events disagree");
    }
  }
  if (!rows) return;
  for (const std::size_t row : *rows) {
    if (row >= units_.size() || !units_[row].has_row) {
      problem("P-02", "row " + to_string(row) + " was never written");
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
