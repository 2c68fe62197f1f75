#include "store/consumer_state.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <string>
#include <utility>

#include "base/backoff.hpp"
#include "base/event_weight.hpp"
#include "base/topic.hpp"

namespace edgepost {

using store::Outcome;
using store::Stored;

namespace {

constexpr std::size_t kRequeuedTogether = 100;  // read from the store at once
constexpr std::size_t kRequeuedMax = 65'536;    // here; the others come when these are settled

}  // namespace

Consumer::State::State(store::Store& owner, store::StreamLog& log,
                       std::shared_ptr<store::Cursor> place, const ConsumerOptions& how)
    : store(&owner),
      stream(log),
      cursor(std::move(place)),
      options(how),
      delivery(options, cursor->floor() + 1) {
  position.next = cursor->floor() + 1;
}

Instant Consumer::State::now() const { return store->platform().clock->now(); }

Status Consumer::State::fetch(const ReadLimits& limits, std::vector<Event>& events) {
  Batch batch{.limits = limits, .events = events};
  if (Status status = load_requeued(); !status.is_ok()) return status;
  place_fresh();
  Status status = take_turns(batch);
  Status buried = bury();
  return status.is_ok() ? buried : status;
}

Status Consumer::State::take_old(Batch& batch) {
  if (batch.is_full()) return {};
  Status status = take_waiting(batch);
  return status.is_ok() && !batch.is_full() ? read_new(batch) : status;
}

Status Consumer::State::load_requeued() {
  if (!has_requeued.exchange(false)) return {};
  std::uint64_t after = 0;
  while (delivery.requeued() < kRequeuedMax) {
    auto found = store->requeued(stream, *cursor, after, kRequeuedTogether);
    if (!found) {
      has_requeued = true;
      return found.status();
    }
    if (found->empty()) return {};
    after = found->back().sequence;
    for (Event& event : *found) {
      // One that is not buried yet, as far as we were told, is looked for again.
      const std::uint64_t sequence = event.sequence;
      if (!delivery.admit_requeued(std::move(event)) && !delivery.is_requeued(sequence)) {
        has_requeued = true;
      }
    }
  }
  has_requeued = true;
  return {};
}

Status Consumer::State::take_waiting(Batch& batch) {
  while (!batch.is_full()) {
    std::optional<store::Turn> turn = delivery.take(now());
    if (!turn) {
      again.segment.reset();
      return {};
    }
    if (!turn->is_requeued && cursor->is_done(turn->sequence)) {  // a limit has dropped it
      delivery.settle(turn->sequence);
      continue;
    }
    Stored stored{.event = {}, .life = turn->life, .wall_offset = {}};
    if (turn->event) {
      stored.event = std::move(*turn->event);
    } else {
      Result<std::optional<Stored>> found = find(turn->sequence, turn->is_requeued);
      if (!found) {
        delivery.release(turn->sequence);
        return found.status();
      }
      if (!found->has_value()) {  // a limit has dropped it, or an operator has purged it
        settle(turn->sequence, missing());
        continue;
      }
      stored = std::move(found->value());
    }
    if (!turn->is_requeued && is_expired(stored.event, stored.life)) {
      settle(turn->sequence, Outcome::expired);
      continue;
    }
    if (!turn->is_requeued && store->is_replaced(stream, stored.event)) {
      settle(turn->sequence, Outcome::replaced);
      continue;
    }
    batch.add(std::move(stored.event));
  }
  return {};
}

bool Consumer::State::has_new() const {
  return position.next < stream.next_sequence() && delivery.wants(position.next);
}

Status Consumer::State::read_new(Batch& batch) {
  if (!has_new()) return {};
  const std::uint64_t changes = cursor->changes();
  const std::uint64_t end = stream.next_sequence();
  bool is_at_end = true;
  std::uint64_t expected = position.next;
  Status status = store->walk(stream, position, [&](Stored&& stored) {
    const bool has_room = meet(std::move(stored), expected, batch);
    expected = position.next;
    is_at_end = has_room && !batch.is_full() && delivery.wants(expected);
    return is_at_end;
  });
  settle_unseen(expected, position.next);
  // A limit may have dropped the last ones.
  if (status.is_ok() && is_at_end) position.next = std::max(position.next, end);
  if (cursor->changes() != changes) store->acknowledged(*cursor);
  return status;
}

// Settles what was passed over between `expected` and `next`: segments that are lost, and around
// them what was replaced and is gone.
void Consumer::State::settle_unseen(std::uint64_t expected, std::uint64_t next) {
  if (expected == next && position.lost_to == 0) return;
  const std::uint64_t lost_from = position.lost_to == 0 ? next : position.lost_from;
  const std::uint64_t lost_to = position.lost_to == 0 ? next - 1 : position.lost_to;
  position.lost_from = position.lost_to = 0;
  cursor->settle(expected, lost_from - 1, Outcome::replaced);
  cursor->settle(lost_from, lost_to, Outcome::damaged);
  cursor->settle(lost_to + 1, next - 1, Outcome::replaced);
}

// A new event: it is not wanted, waits, or goes out. Returns false when there is no room for it.
bool Consumer::State::meet(Stored&& stored, std::uint64_t expected, Batch& batch) {
  Event& event = stored.event;
  const std::uint64_t sequence = event.sequence;
  settle_unseen(expected, sequence);
  if (cursor->is_done(sequence) || delivery.is_fresh(sequence)) return true;
  if (!is_wanted(event)) {
    cursor->settle(sequence, Outcome::acknowledged);
    return true;
  }
  if (is_expired(event, stored.life)) {
    cursor->settle(sequence, Outcome::expired);
    return true;
  }
  if (store->is_replaced_in_walk(stream, event)) {
    cursor->settle(sequence, Outcome::replaced);
    return true;
  }
  if (!delivery.wants(sequence)) {  // far behind a gap
    position = {sequence, std::nullopt};
    return false;
  }
  cursor->read_to = sequence;
  const Instant time = now();
  if (delivery.admit(event, stored.life, due_of(stored, time), time)) {
    batch.add(std::move(event));
  }
  return true;
}

bool Consumer::State::is_wanted(const Event& event) const {
  return options.filter == "#" || topic_matches(options.filter, event.topic);
}

Instant Consumer::State::due_of(const Stored& stored, Instant time) const {
  if (!stored.event.not_before || stored.life == Duration::zero()) return time;
  return time + (stored.life + *stored.event.not_before - store->life_now());
}

Result<std::optional<Stored>> Consumer::State::find(std::uint64_t sequence, bool is_requeued) {
  std::optional<Stored> found;
  if (is_requeued) {
    auto events = store->requeued(stream, *cursor, sequence - 1, 1);
    if (!events) return events.status();
    if (events->empty() || events->front().sequence != sequence) return found;
    found = Stored{.event = std::move(events->front()), .life = {}, .wall_offset = {}};
    return found;
  }
  // Behind what was read the last time the segment serves again.
  if (sequence < again.next) again.segment.reset();
  again.next = sequence;
  again.lost_from = again.lost_to = 0;
  Status status = store->walk(stream, again, [&found](Stored&& stored) {
    found = std::move(stored);
    return false;
  });
  if (!status.is_ok()) return status;
  if (found && found->event.sequence != sequence) found.reset();
  return found;
}

// What became of an event that find() has not found.
Outcome Consumer::State::missing() const {
  return again.lost_to == 0 ? Outcome::replaced : Outcome::damaged;
}

// Old segments do not know when they were stored: nothing expires early.
bool Consumer::State::is_expired(const Event& event, Duration life) const {
  return event.expires_after && life != Duration::zero() &&
         store->life_now() >= life + *event.expires_after;
}

void Consumer::State::settle(std::uint64_t sequence, Outcome outcome) {
  const bool is_requeued = delivery.is_requeued(sequence);
  delivery.settle(sequence);
  if (!is_requeued && cursor->settle(sequence, outcome)) store->acknowledged(*cursor);
}

// Also when there are new events, for whom nobody else waits: so that one question is enough.
Instant Consumer::State::next_due() {
  place_fresh();
  const bool has_old = has_requeued && delivery.requeued() < kRequeuedMax;
  return has_new() || has_fresh() || has_old ? Instant() : delivery.next_due();
}

Status Consumer::State::not_in_flight(std::uint64_t sequence) const {
  return {Code::invalid_argument, "consumer " + cursor->name + ": sequence " +
                                      std::to_string(sequence) + " is not in flight"};
}

Status Consumer::State::acknowledge(std::uint64_t sequence) {
  const bool is_requeued = delivery.is_requeued(sequence);
  if (!is_requeued && cursor->is_done(sequence)) {
    delivery.settle(sequence);  // a limit may have dropped it meanwhile
    return {};
  }
  if (!delivery.was_handed_out(sequence)) {
    return {Code::invalid_argument, "consumer " + cursor->name + ": sequence " +
                                        std::to_string(sequence) + " was never fetched"};
  }
  if (delivery.is_given_up(sequence)) return {};  // too late
  settle(sequence, Outcome::acknowledged);
  if (is_requeued) store->redelivered(stream, *cursor, sequence);
  return {};
}

Status Consumer::State::nack(std::uint64_t sequence, std::string_view error,
                             std::optional<Duration> delay) {
  if (!delivery.is_in_flight(sequence)) return not_in_flight(sequence);
  if (!delay) {
    std::array<std::byte, sizeof(std::uint64_t)> jitter{};
    store->platform().random->fill(RandomUse::jitter, jitter);
    delay = backoff_delay(options.retry, delivery.attempts().of(sequence).attempts,
                          std::bit_cast<std::uint64_t>(jitter));
  }
  delivery.fail(sequence, error, now() + std::max(*delay, Duration::zero()));
  store->acknowledged(*cursor);  // the try is to be stored as well
  return bury();
}

Status Consumer::State::bury() {
  for (store::GivenUp& given_up : delivery.take_given_up()) {
    const std::uint64_t sequence = given_up.sequence;
    Result<std::optional<Stored>> found = find(sequence, given_up.is_requeued);
    if (!found) {
      delivery.give_back(std::move(given_up));
      return found.status();
    }
    if (!found->has_value()) {
      settle(sequence, missing());
      continue;
    }
    store::AttemptRow tries = delivery.attempts().of(sequence);
    store->bury({.consumer = weak_from_this(),
                 .stored = std::move(found->value()),
                 .reason = std::move(given_up.reason),
                 .attempts = tries.attempts,
                 .first_error = std::move(tries.first_error),
                 .last_error = std::move(tries.last_error)});
  }
  return {};
}

void Consumer::State::buried(std::uint64_t sequence, bool is_stored) {
  const std::lock_guard lock(mutex);
  if (store == nullptr || !delivery.is_given_up(sequence)) return;
  if (is_stored) {
    settle(sequence, Outcome::dead);
  } else {
    delivery.take_back(sequence, now() + options.retry.max_delay);
  }
}

std::vector<store::AttemptRow> Consumer::State::unsaved_attempts() {
  const std::lock_guard lock(mutex);
  return delivery.attempts().unsaved();
}

void Consumer::State::saved_attempts(const std::vector<store::AttemptRow>& rows) {
  const std::lock_guard lock(mutex);
  delivery.attempts().saved(rows);
}

}  // namespace edgepost
