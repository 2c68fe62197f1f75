#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// The events of one stream between the store and their answers, in the order of the store. It is
/// pure: no store, no transport, and time is an argument. A slot names an event in it.
/// A refused event is parked: it is sent again later, and the events of its key wait behind it, so
/// that none overtakes it. While a key is parked, one event of it is in flight at a time. Events
/// without a key have no order among each other.
/// Limit: events of the key that were already on their way when the refusal came are not recalled.
class Lane {
 public:
  /// Never holds more than `events_max` events and what one fetch adds to them: a parked event
  /// keeps its place, so behind it the lane fills up, and then it waits.
  explicit Lane(std::size_t events_max) : events_max_(events_max) {}

  /// True when more events may be read from the store.
  [[nodiscard]] bool has_room() const;

  /// Takes events, in order, behind those that are there.
  void add(std::vector<Event>&& events);

  /// The next event that may be sent at `now`: it is in flight from then on. Nothing when there is
  /// none: then add more, or wait for an answer or for retry_at().
  std::optional<std::uint64_t> take(Instant now);

  /// The event in `slot`. Valid until it is acknowledged, or until clear().
  [[nodiscard]] const Event& event(std::uint64_t slot) const;

  /// `slot` is done. Returns the event's sequence. Requires: in flight.
  std::uint64_t acknowledge(std::uint64_t slot);

  /// The upstream refused `slot`. Returns how often it did before.
  unsigned count_refusal(std::uint64_t slot);

  /// `slot` shall be sent again, not before `due`. Requires: in flight.
  void retry(std::uint64_t slot, Instant due);

  /// When a parked event may be sent; Instant::max() for none. Requires: take() found nothing.
  [[nodiscard]] Instant retry_at() const { return retry_at_; }

  /// Forgets the events, but not which of them were refused: those are parked again when they come
  /// back, so that an upstream that hangs up at one event still gets the others.
  void clear();

 private:
  struct Slot {
    Event event;
    enum class State : unsigned char { waiting, in_flight, done } state = State::waiting;
    bool parked = false;
    unsigned refusals = 0;
    Instant due;  // Refused: not again before.
  };

  /// What is known of a refused event while it is not done.
  struct Refusal {
    unsigned count;
    Instant due;
  };

  /// Events of one key in their order: from the one that was refused on, or one sent before it
  /// that is still on its way.
  struct Park {
    std::deque<std::uint64_t> slots;
    std::size_t in_flight = 0;
  };

  /// A key; or the slot itself, for an event without one.
  using ParkId = std::pair<std::string, std::uint64_t>;

  [[nodiscard]] static ParkId park_id(const Slot& slot, std::uint64_t number);
  Slot& at(std::uint64_t slot);
  Park& park(std::uint64_t slot);
  std::optional<std::uint64_t> take_parked(Instant now);
  void leave_park(std::uint64_t slot);

  const std::size_t events_max_;
  std::deque<Slot> slots_;   // From the oldest event that is not done.
  std::uint64_t first_ = 0;  // The number of slots_.front().
  std::uint64_t next_ = 0;   // The first slot that was neither sent nor parked yet.
  std::size_t bytes_ = 0;    // Of the events that are not done.
  std::map<ParkId, Park> parks_;
  std::map<std::uint64_t, Refusal> refused_;  // By sequence.
  Instant retry_at_ = Instant::max();         // No park may send before.
};

}  // namespace edgepost
