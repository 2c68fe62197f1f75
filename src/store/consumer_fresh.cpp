// Fresh events, which pass those that wait; see docs/decisions/0012.
#include <algorithm>
#include <utility>

#include "store/consumer_state.hpp"

namespace edgepost {

using store::Outcome;
using store::Stored;

namespace {

// So much may be settled in pieces above the floor: then fresh events wait until it has risen.
constexpr std::size_t kRangesMax = 1'024;

}  // namespace

// Where fresh events begin: at the end of the stream, when more wait than the window holds. When
// too many of those wait in turn, they begin anew.
void Consumer::State::place_fresh() {
  if (options.live_percent == 0 || options.order == Order::stream) return;
  const std::uint64_t end = stream.next_sequence();
  const bool is_apart = fresh.next > position.next;
  const std::uint64_t from = is_apart ? fresh.next : position.next;
  const std::uint64_t behind = is_apart ? store::Delivery::kFreshMax : options.max_in_flight;
  if (end > from && end - from > behind) fresh = {.next = end, .segment = std::nullopt};
}

bool Consumer::State::has_fresh() const {
  return fresh.next > position.next && fresh.next < stream.next_sequence() &&
         delivery.wants_fresh() && cursor->ranges() < kRangesMax;
}

// Fresh events pay for their turn with turns of the backlog. Who has nothing leaves the rest to the
// other.
Status Consumer::State::take_turns(Batch& batch) {
  const std::size_t percent = options.live_percent;
  Status status;
  for (bool goes_on = true; goes_on && status.is_ok() && !batch.is_full();) {
    if (!has_fresh()) return take_old(batch);
    const std::size_t before = batch.events.size();
    if (fresh_debt == 0) {
      batch.pause_after(1);
      read_fresh(batch);
      fresh_debt = (batch.events.size() - before) * (100 - percent);
    }
    const std::size_t owed = (fresh_debt + percent - 1) / percent;
    const std::size_t passed = batch.events.size();
    batch.pause_after(owed);
    if (owed > 0) status = take_old(batch);
    batch.go_on();
    const std::size_t paid = batch.events.size() - passed;
    const bool has_no_more = paid < owed && !batch.is_full();
    fresh_debt = has_no_more ? 0 : fresh_debt - std::min(fresh_debt, paid * percent);
    goes_on = batch.events.size() > before || has_no_more || owed == 0;
  }
  return status;
}

// What cannot be read is left to the backlog, which says so.
void Consumer::State::read_fresh(Batch& batch) {
  const std::uint64_t changes = cursor->changes();
  const std::uint64_t end = stream.next_sequence();
  bool goes_on = true;
  const Status status = store->walk(stream, fresh, [&](Stored&& stored) {
    meet_fresh(std::move(stored), batch);
    return goes_on = !batch.is_full() && delivery.wants_fresh();
  });
  if (!status.is_ok() || goes_on) {
    fresh = {.next = std::max(fresh.next, end), .segment = std::nullopt};
  }
  if (cursor->changes() != changes) store->acknowledged(*cursor);
}

void Consumer::State::meet_fresh(Stored&& stored, Batch& batch) {
  Event& event = stored.event;
  const std::uint64_t sequence = event.sequence;
  if (cursor->is_done(sequence)) return;
  if (!is_wanted(event)) {
    cursor->settle(sequence, Outcome::acknowledged);
    return;
  }
  if (!delivery.is_free(event) || is_expired(event, stored.life) ||
      store->is_replaced_in_walk(stream, event)) {
    return;
  }
  if (!delivery.has_fresh()) cursor->fresh_from = sequence;
  cursor->fresh_to = sequence;
  const Instant time = now();
  if (delivery.admit_fresh(event, stored.life, due_of(stored, time), time)) {
    batch.add(std::move(event));
  }
}

}  // namespace edgepost
