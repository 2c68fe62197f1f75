#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "edgepost/gateway.hpp"

namespace edgepost::test {

/// Knows, from outside, what a gateway was asked and what it answered, and tells what of that a
/// gateway that was opened again has broken. Everything happens in one thread and each event's
/// data begins with a serial number, so that the order of serials is the order of publishing.
class Oracle {
 public:
  /// What a unit came to, as far as one can know.
  enum class Fate : unsigned char {
    open,      ///< It may be there or not: buffered, or the answer never came.
    doubtful,  ///< Its commit failed in the disk: not there, but a crash may bring it back.
    stored,    ///< It must be there.
    refused,   ///< It must not be there.
  };

  /// One event in one stream.
  struct Entry {
    std::string stream;
    std::uint64_t serial = 0;
    std::string data;
    std::string key;
    std::optional<Duration> expires_after;
    std::optional<Duration> not_before;
    std::optional<EventId> id;   // once it is known
    std::uint64_t sequence = 0;  // once it is known
    Duration published = Duration::zero();
    bool is_rejected = false;  // by any consumer, which may have made a dead letter of it
    bool is_requeued = false;  // perhaps
    bool is_purged = false;    // perhaps
  };

  /// What is stored together or not at all: events and, in a transaction, a row of the number.
  struct Unit {
    std::vector<Entry> entries;
    bool has_row = false;
    Fate fate = Fate::open;
    unsigned life = 0;
  };

  /// The serial number of the next event, from 1.
  std::uint64_t next_serial() { return ++serial_; }

  /// The events of a unit that is about to be published, or is.
  [[nodiscard]] const std::vector<Entry>& entries_of(std::size_t unit) const {
    return units_[unit].entries;
  }
  /// A unit is about to be published; its number.
  std::size_t begin(std::vector<Entry> entries, bool has_row);
  /// The answer to a unit, and what its events got.
  void answered(std::size_t unit, const Status& status);
  void received(std::size_t unit, std::size_t entry, const Receipt& receipt);
  /// A transaction was told by its own function to fail.
  void rolled_back(std::size_t unit);
  /// flush() returned ok: nothing is open any more, and every floor is stored.
  void flushed();
  /// Below which every consumer has acknowledged everything in this life of the gateway, by name.
  using Floors = std::map<std::string, std::uint64_t>;
  [[nodiscard]] Floors floors() const;
  /// These must survive a crash from now on.
  void floors_stored(const Floors& floors);
  /// Time passed, with the power on.
  void passes(Duration by) { now_ += by; }
  /// A gateway was opened or closed: doubts of before stay until somebody looks.
  void lives_again() { ++life_; }

  /// The gateway answered ok to a request for a stream, or for the table `app`.
  void created(const std::string& name) { created_.insert(name); }
  /// This stream keeps at most so many events, and drops the oldest for new ones.
  void limited(const std::string& stream, std::uint64_t max_events) {
    limits_[stream] = max_events;
  }
  /// This stream keeps the newest event of each key.
  void replacing(const std::string& stream) { replacing_.insert(stream); }
  /// What is in this stream is not watched; only that its books balance.
  void unwatched(const std::string& stream) { unwatched_.insert(stream); }
  /// The same for a consumer, which begins behind `floor` if it is new.
  void opened(const std::string& consumer, const std::string& stream, std::uint64_t floor);
  /// A consumer was given an event; it took effect at its destination; the gateway took the
  /// acknowledgement.
  void fetched(const std::string& consumer, const Event& event);
  void took_effect(const std::string& consumer, const Event& event);
  void acknowledged(const std::string& consumer, std::uint64_t sequence);
  /// A consumer said that an event can never be delivered.
  void rejected(const std::string& consumer, const Event& event);
  /// A dead letter is about to be requeued, or purged.
  void requeued(const DeadLetter& letter);
  void purged(const DeadLetter& letter);
  /// A consumer was given all there is, and has answered all of it; `left` is what it has not seen.
  void drained(const std::string& consumer, const std::vector<Event>& left);

  /// A message came from upstream, perhaps not for the first time; the gateway confirmed it.
  void came(const std::string& message) { messages_.try_emplace(message, false); }
  void confirmed(const std::string& message) { messages_[message] = true; }
  /// Those that upstream will send again.
  [[nodiscard]] std::vector<std::string> unconfirmed() const;

  /// A gateway's answer: if it is a failure, then one that says what the disk did.
  void heard(const std::string& what, const Status& status);

  /// Compares everything that `gateway` shows, its `status` for one, with what is known and takes
  /// over what was unknown. Nothing may be buffered.
  void inspect(Gateway& gateway, const GatewayStatus& status);

  /// Adds to what was found broken.
  void problem(const char* promise, const std::string& what);

  /// What was found broken; each begins with the promise.
  std::vector<std::string> problems;

 private:
  // A set of sequences: all up to the floor, and some above it.
  struct Marks {
    std::uint64_t floor = 0;
    std::set<std::uint64_t> above;

    void add(std::uint64_t sequence);
    [[nodiscard]] bool has(std::uint64_t sequence) const;
  };
  struct Progress {
    std::string stream;
    Marks effects;                    // took effect at any time: no event has more proof
    Marks now;                        // acknowledged, and this life of the gateway must know
    std::uint64_t durable_floor = 0;  // up to here, it must know it after a crash
    std::map<std::string, std::uint64_t> newest;  // by key: sequence that took effect
  };
  struct Place {
    std::size_t unit;
    std::size_t entry;
  };
  using Presence = std::vector<std::optional<bool>>;  // of each unit; empty: nothing is known

  void settle_doubts();
  void floors_are_durable(const std::string& stream);
  void learn(const std::string& stream, const Event& event);
  const Place* find(const std::string& stream, const Event& event);
  Entry* rejected_entry(const std::string& stream, std::uint64_t sequence);
  void identify(const Place& place, const EventId& id, std::uint64_t sequence);
  void inspect_stream(Gateway& gateway, const StreamStatus& status, Presence& presence);
  void inspect_events(const StreamStatus& status, const std::vector<Event>& events,
                      Presence& presence);
  [[nodiscard]] bool may_be_expired(const Entry& entry) const;
  [[nodiscard]] bool may_be_replaced(const std::string& stream, std::uint64_t sequence) const;
  [[nodiscard]] bool may_be_dropped(const std::string& stream, std::uint64_t sequence) const;
  [[nodiscard]] const Entry* known(const std::string& stream, std::uint64_t sequence) const;
  [[nodiscard]] bool may_be_settled(const Progress& progress, std::uint64_t sequence) const;
  [[nodiscard]] std::uint64_t floor_at_most(const Progress& progress) const;
  void inspect_books(const StreamStatus& status);
  void inspect_consumers(const StreamStatus& status);
  void inspect_dead_letters(Gateway& gateway, const StreamStatus& status);
  void inspect_rows(Gateway& gateway, const Presence& presence);
  void inspect_messages(Gateway& gateway);
  void note(std::size_t unit, bool is_there, Presence& presence);

  std::vector<Unit> units_;
  std::map<std::pair<std::string, std::uint64_t>, Place> places_;
  std::map<std::pair<std::string, std::uint64_t>, Place> sequences_;
  std::map<std::string, std::uint64_t> newest_;  // sequence of each stream
  std::map<std::string, std::uint64_t> limits_;  // max_events of streams that have it
  std::set<std::string> replacing_;
  std::set<std::string> unwatched_;
  std::map<std::string, Progress> consumers_;
  std::map<std::string, bool> messages_;      // by id: confirmed
  std::map<EventId, std::uint64_t> serials_;  // of what has this id
  std::set<std::string> created_;
  std::uint64_t serial_ = 0;
  unsigned life_ = 0;
  Duration now_ = Duration::zero();
};

}  // namespace edgepost::test
