#include "sim/oracle.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace edgepost::test {
namespace {

using std::to_string;

}  // namespace

void Oracle::problem(const char* promise, const std::string& what) {
  problems.push_back(std::string(promise) + ": " + what);
}

std::size_t Oracle::begin(std::vector<Entry> entries, bool has_row) {
  const std::size_t unit = units_.size();
  for (Entry& entry : entries)
    entry.published = now_;
  for (std::size_t i = 0; i < entries.size(); ++i)
    places_[{entries[i].stream, entries[i].serial}] = {unit, i};
  units_.push_back({std::move(entries), has_row, Fate::open, life_});
  return unit;
}

void Oracle::received(std::size_t unit, std::size_t entry, const Receipt& receipt) {
  units_[unit].entries[entry].sequence = receipt.sequence;
  if (!receipt.id.is_nil()) units_[unit].entries[entry].id = receipt.id;
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
  for (std::size_t i = 0; i < known.entries.size(); ++i) {
    const Entry& entry = known.entries[i];
    if (entry.id && entry.sequence != 0) identify({unit, i}, *entry.id, entry.sequence);
  }
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
  floors_stored(floors());
}

Oracle::Floors Oracle::floors() const {
  Floors floors;
  for (const auto& [name, progress] : consumers_)
    floors[name] = progress.now.floor;
  return floors;
}

void Oracle::floors_stored(const Floors& floors) {
  for (const auto& [name, floor] : floors)
    consumers_[name].durable_floor = floor;
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
  if (is_new) progress = {stream, {floor, {}}, {}, floor, {}};
  progress.now = {floor, {}};
}

void Oracle::fetched(const std::string& consumer, const Event& event) {
  const Progress& progress = consumers_[consumer];
  learn(progress.stream, event);
  const Entry* entry = known(progress.stream, event.sequence);
  const bool is_again =
      event.sequence <= progress.durable_floor || progress.now.has(event.sequence);
  if (is_again && !(entry != nullptr && entry->is_requeued)) {
    problem("P-12", consumer + " got sequence " + to_string(event.sequence) +
                        " once more, which it had acknowledged");
  }
  if (entry == nullptr || !entry->not_before) return;
  if (now_ < entry->published + *entry->not_before) {
    problem("P-40", consumer + " got sequence " + to_string(event.sequence) + " before its time");
  }
}

Oracle::Entry* Oracle::rejected_entry(const std::string& stream, std::uint64_t sequence) {
  const auto place = sequences_.find({stream, sequence});
  if (place == sequences_.end()) return nullptr;
  Entry& entry = units_[place->second.unit].entries[place->second.entry];
  entry.is_rejected = true;
  return &entry;
}

void Oracle::rejected(const std::string& consumer, const Event& event) {
  rejected_entry(consumers_[consumer].stream, event.sequence);
}

void Oracle::requeued(const DeadLetter& letter) {
  if (Entry* entry = rejected_entry(letter.stream, letter.event.sequence))
    entry->is_requeued = true;
}

void Oracle::purged(const DeadLetter& letter) {
  if (Entry* entry = rejected_entry(letter.stream, letter.event.sequence)) entry->is_purged = true;
}

void Oracle::took_effect(const std::string& consumer, const Event& event) {
  Progress& progress = consumers_[consumer];
  const Entry* entry = known(progress.stream, event.sequence);
  const bool is_requeued = entry != nullptr && entry->is_requeued;
  if (!event.key.empty() && !is_requeued && !progress.effects.has(event.sequence)) {
    std::uint64_t& newest = progress.newest[event.key];
    if (event.sequence < newest) {
      problem("P-10", consumer + " got sequence " + to_string(event.sequence) + " of key " +
                          event.key + " after " + to_string(newest));
    }
    newest = std::max(newest, event.sequence);
  }
  progress.effects.add(event.sequence);
}

void Oracle::acknowledged(const std::string& consumer, std::uint64_t sequence) {
  consumers_[consumer].now.add(sequence);
}

void Oracle::drained(const std::string& consumer, const std::vector<Event>& left) {
  const std::string& stream = consumers_[consumer].stream;
  for (const Event& event : left) {
    const Entry* entry = known(stream, event.sequence);
    const bool is_late =
        entry != nullptr && entry->not_before && now_ < entry->published + *entry->not_before;
    if (is_late || may_be_settled(consumers_[consumer], event.sequence)) continue;
    problem("P-05", consumer + " does not get sequence " + to_string(event.sequence));
  }
}

std::vector<std::string> Oracle::unconfirmed() const {
  std::vector<std::string> left;
  for (const auto& [message, is_confirmed] : messages_) {
    if (!is_confirmed) left.push_back(message);
  }
  return left;
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
  const std::string where = stream + ", sequence " + to_string(event.sequence);
  if (found == places_.end()) {
    problem("P-02", where + ": serial " + to_string(serial) + " was never published there");
    return nullptr;
  }
  const Unit& unit = units_[found->second.unit];
  const Entry& entry = unit.entries[found->second.entry];
  const std::string what = where + ", serial " + to_string(serial);
  if (entry.key != event.key) problem("P-10", what + ": another key than was published");
  if (entry.data != event.data) problem("P-01", what + ": other data than was published");
  const bool is_failed = unit.fate == Fate::doubtful && unit.life == life_;
  if (unit.fate == Fate::refused || is_failed)
    problem("P-02", what + ": its publishing had failed");
  if (entry.id && *entry.id != event.id) problem("P-12", what + ": another id than before");
  if (entry.sequence != 0 && entry.sequence != event.sequence) {
    problem("P-12", what + ": was sequence " + to_string(entry.sequence) + " before");
  }
  return &found->second;
}

// No two events have the same id, whatever became of the machine in between.
void Oracle::identify(const Place& place, const EventId& id, std::uint64_t sequence) {
  Entry& entry = units_[place.unit].entries[place.entry];
  entry.id = id;
  entry.sequence = sequence;
  sequences_[{entry.stream, sequence}] = place;
  newest_[entry.stream] = std::max(newest_[entry.stream], sequence);
  const std::uint64_t known = serials_.try_emplace(id, entry.serial).first->second;
  if (known == entry.serial) return;
  problem("P-12",
          "serial " + to_string(entry.serial) + ": has the id of serial " + to_string(known));
}

// Whoever was shown an event may have acted on it: it must not go away any more.
void Oracle::learn(const std::string& stream, const Event& event) {
  const Place* place = find(stream, event);
  if (place == nullptr) return;
  units_[place->unit].fate = Fate::stored;
  identify(*place, event.id, event.sequence);
}

}  // namespace edgepost::test
