#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/event.hpp"
#include "edgepost/time.hpp"
#include "store/attempts.hpp"

namespace edgepost::store {

/// An event that may be handed out now.
struct Turn {
  std::uint64_t sequence = 0;
  bool is_requeued = false;    ///< A dead letter that came back.
  std::optional<Event> event;  ///< None: to be read again.
  Duration life{};             ///< As it was admitted with.
};

/// An event that is to become a dead letter.
struct GivenUp {
  std::uint64_t sequence = 0;
  bool is_requeued = false;
  std::string reason;
};

/// The events of one consumer between its floor and the newest one read, and which of them may be
/// handed out. It is pure: no store, no lock, and time is an argument. An event that is handed out
/// belongs to the caller: when its turn comes again, it is read again by its sequence.
/// An event is *waiting* (for those before it, for a time, or for room), *in flight* (handed out
/// and not answered), *given up* (on its way to become a dead letter) or *settled*. One that is
/// given up holds back its key, and takes its place of max_in_flight, until it is buried.
/// *Fresh* events are taken before their turn, from far behind the newest one read. They wait for
/// no other; what is in between is admitted later, and finds them here.
/// Costs: one slot of 24 bytes for each sequence from the oldest that is not settled on; sets and
/// maps only hold events that wait, were refused or have a key.
/// Threads: one at a time.
class Delivery {
 public:
  /// Sequences between the oldest that is not settled and the newest read.
  static constexpr std::uint64_t kSpanMax = 65'536;
  /// Events that wait with their data take this much of memory; the others are read again.
  static constexpr std::size_t kHeldBytesMax = 1024 * 1024;
  /// So many are looked past that only wait for an answer to one of their key: it comes soon.
  static constexpr std::size_t kBusyMax = 1'024;

  /// Fresh events that are here, and that may wait for being read.
  static constexpr std::size_t kFreshMax = 1'024;

  /// `first` is the sequence that is read first. Requires: valid options.
  Delivery(const ConsumerOptions& options, std::uint64_t first);

  /// True when the event of this sequence may be admitted, which is behind all that were.
  [[nodiscard]] bool wants(std::uint64_t sequence) const;

  /// Takes an event just read; not before `due` may it be handed out. Returns true when it is in
  /// flight from now on; otherwise it waits, and `event` may have been moved from.
  /// Requires: wants() of its sequence.
  bool admit(Event& event, Duration life, Instant due, Instant now);

  /// True when there is room for a fresh event.
  [[nodiscard]] bool wants_fresh() const { return has_room() && fresh_.size() < kFreshMax; }

  /// True when the order asks nothing of the event: it may be admitted as a fresh one.
  [[nodiscard]] bool is_free(const Event& event) const {
    return order_ == Order::none || (order_ == Order::key && event.key.empty());
  }

  /// As admit(), before its turn. Requires: wants_fresh(); is_free(); behind all that were admitted
  /// so.
  bool admit_fresh(Event& event, Duration life, Instant due, Instant now);

  /// True when the event was admitted as a fresh one and is not settled.
  [[nodiscard]] bool is_fresh(std::uint64_t sequence) const {
    return !fresh_.empty() && fresh_.contains(sequence);
  }
  [[nodiscard]] bool has_fresh() const { return !fresh_.empty(); }

  /// Takes a dead letter that came back; it waits. Returns false when it is here already.
  bool admit_requeued(Event&& event);

  /// The waiting event that is to be handed out next, in flight from now on. To be asked until it
  /// has none, before new ones are admitted.
  std::optional<Turn> take(Instant now);

  /// True when the caller has, or once had, this event; also when it is settled.
  [[nodiscard]] bool was_handed_out(std::uint64_t sequence) const;
  [[nodiscard]] bool is_in_flight(std::uint64_t sequence) const;
  [[nodiscard]] bool is_given_up(std::uint64_t sequence) const;
  [[nodiscard]] bool is_requeued(std::uint64_t sequence) const {
    return !requeued_.empty() && requeued_.contains(sequence);
  }

  /// The event is done with. Doing it twice changes nothing.
  void settle(std::uint64_t sequence);

  /// A try failed: it waits until `due`, or is given up when that was the last one.
  /// Requires: in flight.
  void fail(std::uint64_t sequence, std::string_view error, Instant due);

  /// Gives the event up at once, for `reason`. Requires: in flight.
  void reject(std::uint64_t sequence, std::string_view reason, std::string_view error);

  /// The event waits until `due` as if it had not been handed out. Requires: in flight.
  void release(std::uint64_t sequence, Instant due = Instant());

  /// Releases all that are in flight.
  void rewind();

  /// Who has been given up since this was asked last; each is settled once it is buried.
  std::vector<GivenUp> take_given_up() { return std::exchange(given_up_, {}); }
  /// Who was given up could not be buried: it waits until `due`. Requires: given up.
  void take_back(std::uint64_t sequence, Instant due);
  /// It was too early to bury it: take_given_up() has it again.
  void give_back(GivenUp&& event) { given_up_.push_back(std::move(event)); }

  /// When take() may find something that it does not find now, or an answer is overdue; the epoch
  /// when it finds something now; Instant::max() for never.
  [[nodiscard]] Instant next_due() const;

  [[nodiscard]] bool has_room() const { return in_flight_ < max_in_flight_; }
  /// Events in flight or given up.
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  [[nodiscard]] std::size_t held_bytes() const { return held_bytes_; }
  [[nodiscard]] std::size_t requeued() const { return requeued_.size(); }

  Attempts& attempts() { return attempts_; }

 private:
  enum class State : unsigned char { settled, waiting, in_flight, given_up };

  /// What events that wait for each other have in common: their key.
  struct Line {
    std::set<std::uint64_t> waiting;
    std::size_t in_flight = 0;  // or given up
    std::uint64_t offered = 0;  // of those waiting, the one that may be handed out; 0: none
    std::size_t busy = 0;       // its part of busy_
  };
  using Named = std::pair<const std::string, Line>;

  struct Slot {
    Named* line = nullptr;  // null: waits for no other
    Instant due;            // waiting: not before; in flight: the answer is overdue
    State state = State::settled;
    bool was_handed_out = false;
  };

  struct Held {
    Event event;
    Duration life;
  };

  using Slots = std::map<std::uint64_t, Slot>;

  bool place(Slot& slot, Event& event, Duration life, Instant due, Instant now);
  [[nodiscard]] const Slot* find(std::uint64_t sequence) const;
  Slot& at(std::uint64_t sequence);
  Named* line_of(const Event& event);
  void hold(Event&& event, Duration life);
  void let_go(std::uint64_t sequence);
  void start(std::uint64_t sequence, Slot& slot, Instant now);
  void end_flight(std::uint64_t sequence, Slot& slot);
  void wait(std::uint64_t sequence, Slot& slot, Instant due);
  void give_up(std::uint64_t sequence, Slot& slot, std::string_view reason);
  void offer(std::uint64_t sequence, const Slot& slot);
  void withdraw(std::uint64_t sequence, const Slot& slot);
  void update(Named& line);
  void fail_overdue(Instant now);

  const Order order_;
  const std::size_t max_in_flight_;
  const std::size_t max_in_flight_per_line_;
  const Duration ack_wait_;
  const unsigned max_deliver_;

  std::uint64_t first_;                          // the sequence of slots_.front()
  std::deque<Slot> slots_;                       // the front one is not settled
  Slots requeued_;                               // beside slots_, which may have them as settled
  Slots fresh_;                                  // the same
  std::unordered_map<std::string, Line> lines_;  // those with events in flight or waiting
  std::set<std::uint64_t> ready_;                // waiting, and may be handed out
  std::set<std::pair<Instant, std::uint64_t>> timers_;   // waiting only for a time
  std::set<std::pair<Instant, std::uint64_t>> overdue_;  // in flight; empty without ack_wait
  std::unordered_map<std::uint64_t, Held> held_;         // waiting, with data
  std::size_t held_bytes_ = 0;
  std::size_t in_flight_ = 0;
  std::size_t busy_ = 0;  // wait behind an answer to one of their line
  std::vector<GivenUp> given_up_;
  Attempts attempts_;
};

}  // namespace edgepost::store
