#include "sim/oracle.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "support/gateway_fixture.hpp"

namespace edgepost::test {
namespace {

std::string text_of(std::uint64_t number) { return std::to_string(number); }

// The numbers of the rows in the table of the workload; none when there is no table.
std::optional<std::set<std::size_t>> rows_of(Gateway& gateway, Oracle& oracle) {
  std::optional<std::set<std::size_t>> rows;
  oracle.heard("reading rows", gateway.transact([&rows](Transaction& transaction) -> Status {
    sqlite3_stmt* select = nullptr;
    auto* const connection = static_cast<sqlite3*>(transaction.native_handle());
    if (sqlite3_prepare_v2(connection, "SELECT unit FROM app", -1, &select, nullptr) == SQLITE_OK) {
      rows.emplace();
      while (sqlite3_step(select) == SQLITE_ROW)
        rows->insert(static_cast<std::size_t>(sqlite3_column_int64(select, 0)));
    }
    sqlite3_finalize(select);
    return {};
  }));
  return rows;
}

}  // namespace

void Oracle::problem(const char* promise, const std::string& what) {
  problems.push_back(std::string(promise) + ": " + what);
}

std::size_t Oracle::begin(std::vector<Entry> entries, bool has_row) {
  const std::size_t unit = units_.size();
  for (std::size_t i = 0; i < entries.size(); ++i)
    places_[{entries[i].stream, entries[i].serial}] = {unit, i};
  units_.push_back({std::move(entries), has_row, Fate::open, life_});
  return unit;
}

void Oracle::received(std::size_t unit, std::size_t entry, const Receipt& receipt) {
  units_[unit].entries[entry].id = receipt.id;
  units_[unit].entries[entry].sequence = receipt.sequence;
}

void Oracle::rolled_back(std::size_t unit) {
  units_[unit].fate = Fate::refused;
  for (Entry& entry : units_[unit].entries)
    entry.sequence = 0;
}

void Oracle::answered(std::size_t unit, const Status& status) {
  Unit& known = units_[unit];
  if (!status.is_ok()) {
    heard("publishing", status);
    const bool is_of_the_disk = status.code() == Code::io_error || status.code() == Code::full;
    known.fate = is_of_the_disk ? Fate::doubtful : Fate::refused;
    for (Entry& entry : known.entries)
      entry.sequence = 0;  // what a transaction was told before it failed
    return;
  }
  known.fate = Fate::stored;
  settle_doubts();
  for (const Entry& entry : known.entries)
    floors_are_durable(entry.stream);
}

// What failed in this life cannot come back behind a later commit.
void Oracle::settle_doubts() {
  for (Unit& unit : units_) {
    if (unit.fate == Fate::doubtful && unit.life == life_) unit.fate = Fate::refused;
  }
}

void Oracle::flushed() {
  for (Unit& unit : units_) {
    if (unit.fate == Fate::open && unit.life == life_) unit.fate = Fate::stored;
  }
  floors_stored();
}

void Oracle::floors_stored() {
  for (auto& [name, progress] : consumers_)
    progress.durable_floor = progress.now.floor;
}

void Oracle::floors_are_durable(const std::string& stream) {
  for (auto& [name, progress] : consumers_) {
    if (progress.stream == stream) progress.durable_floor = progress.now.floor;
  }
}

void Oracle::Marks::add(std::uint64_t sequence) {
  if (sequence > floor) above.insert(sequence);
  while (above.erase(floor + 1) != 0)
    ++floor;
}

bool Oracle::Marks::has(std::uint64_t sequence) const {
  return sequence <= floor || above.contains(sequence);
}

void Oracle::opened(const std::string& consumer, const std::string& stream, std::uint64_t floor) {
  created_.insert(stream + "/" + consumer);
  const auto [place, is_new] = consumers_.try_emplace(consumer);
  Progress& progress = place->second;
  if (is_new) progress = {stream, {floor, {}}, {}, floor};
  progress.now = {floor, {}};
}

void Oracle::fetched(const std::string& consumer, const Event& event) {
  const Progress& progress = consumers_[consumer];
  if (event.sequence <= progress.durable_floor) {
    problem("P-12", consumer + " got sequence " + text_of(event.sequence) +
                        " once more, its floor " + text_of(progress.durable_floor) +
                        " had been stored");
  }
  learn(progress.stream, event);
}

void Oracle::acknowledged(const std::string& consumer, std::uint64_t sequence) {
  consumers_[consumer].ever.add(sequence);
  consumers_[consumer].now.add(sequence);
}

void Oracle::drained(const std::string& consumer, const std::vector<Event>& pending,
                     const std::vector<Event>& fetched) {
  const Progress& progress = consumers_[consumer];
  auto next = fetched.begin();
  for (const Event& event : pending) {
    if (next != fetched.end() && *next == event) {
      ++next;
    } else if (!progress.ever.has(event.sequence)) {
      problem("P-10", consumer + " does not get sequence " + text_of(event.sequence) + " in turn");
      return;
    }
  }
  if (next != fetched.end()) problem("P-10", consumer + " gets what is not pending");
}

void Oracle::heard(const std::string& what, const Status& status) {
  if (status.is_ok()) return;
  const bool is_of_the_disk = status.code() == Code::io_error || status.code() == Code::full;
  if (is_of_the_disk && !status.message().empty()) return;
  problem("P-06", what + " failed unclearly: " + std::string(to_string(status.code())) + ": " +
                      status.message());
}

const Oracle::Place* Oracle::find(const std::string& stream, const Event& event) {
  std::uint64_t serial = 0;
  std::from_chars(event.data.data(), event.data.data() + event.data.size(), serial);
  const auto found = places_.find({stream, serial});
  const std::string where = stream + ", sequence " + text_of(event.sequence);
  if (found == places_.end()) {
    problem("P-02", where + ": serial " + text_of(serial) + " was never published there");
    return nullptr;
  }
  const Unit& unit = units_[found->second.unit];
  const Entry& entry = unit.entries[found->second.entry];
  const std::string what = where + ", serial " + text_of(serial);
  if (entry.data != event.data) problem("P-01", what + ": other data than was published");
  const bool is_failed = unit.fate == Fate::doubtful && unit.life == life_;
  if (unit.fate == Fate::refused || is_failed)
    problem("P-02", what + ": its publishing had failed");
  if (entry.id && *entry.id != event.id) problem("P-12", what + ": another id than before");
  if (entry.sequence != 0 && entry.sequence != event.sequence) {
    problem("P-12", what + ": was sequence " + text_of(entry.sequence) + " before");
  }
  return &found->second;
}

// Whoever was shown an event may have acted on it: it must not go away any more.
void Oracle::learn(const std::string& stream, const Event& event) {
  const Place* place = find(stream, event);
  if (place == nullptr) return;
  Unit& unit = units_[place->unit];
  unit.fate = Fate::stored;
  unit.entries[place->entry].id = event.id;
  unit.entries[place->entry].sequence = event.sequence;
}

void Oracle::note(std::size_t unit, bool is_there, Presence& presence) {
  if (!presence[unit]) presence[unit] = is_there;
  if (*presence[unit] != is_there) {
    problem("P-03", "unit " + text_of(unit) + " is there in part");
  }
}

void Oracle::inspect(Gateway& gateway) {
  const Result<VerifyReport> report = gateway.verify();
  heard("verify", report.status());
  if (report) {
    for (const std::string& found : report->problems)
      problem("P-04", "verify: " + found);
  }
  Presence presence(units_.size());
  const GatewayStatus status = gateway.status();
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
  if (!balances(status.ledger) || status.ledger.published != status.next_sequence - 1) {
    problem("P-04", "the books of " + status.name + " do not balance");
  }
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
    entry.id = event.id;
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

void Oracle::inspect_consumers(const StreamStatus& status) {
  std::uint64_t proven = 0;  // what every consumer has acknowledged
  bool is_first = true;
  for (const auto& [name, progress] : consumers_) {
    if (progress.stream != status.name) continue;
    proven = is_first ? progress.ever.floor : std::min(proven, progress.ever.floor);
    is_first = false;
  }
  if (status.first_sequence - 1 > proven) {
    problem("P-05", status.name + " begins at " + text_of(status.first_sequence) +
                        ", acknowledged is only " + text_of(proven));
  }
  std::set<std::string> names;
  for (const ConsumerStatus& consumer : status.consumers) {
    names.insert(consumer.name);
    const auto [place, is_new] = consumers_.try_emplace(consumer.name);
    Progress& progress = place->second;
    const std::string what = "consumer " + consumer.name + ", floor " + text_of(consumer.floor);
    if (!is_new && consumer.floor > progress.ever.floor) {
      problem("P-05", what + ": acknowledged is only " + text_of(progress.ever.floor));
    }
    if (consumer.floor < progress.durable_floor) {
      problem("P-12", what + ": stored was " + text_of(progress.durable_floor));
    }
    // What is above the stored floor is a note for the death of the process alone, and may go.
    progress.stream = status.name;
    if (is_new) progress.ever.floor = consumer.floor;
  }
  for (const std::string& name : created_) {
    const std::string prefix = status.name + "/";
    if (name.starts_with(prefix) && !names.contains(name.substr(prefix.size()))) {
      problem("P-01", "consumer " + name + " is missing");
    }
  }
}

void Oracle::inspect_rows(Gateway& gateway, const Presence& presence) {
  const auto rows = rows_of(gateway, *this);
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

}  // namespace edgepost::test
