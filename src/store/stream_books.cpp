// What a stream counts, promises and limits; no SQL.
#include <algorithm>
#include <utility>

#include "store/stream_log.hpp"

namespace edgepost::store {
namespace {

// Opening adds up the segments that the books do not know of: this many at most.
constexpr std::uint64_t kUnbookedSegmentsMax = 256;

// The consumer whose passed events tell best what those behind `done` became.
const Floor* witness_of(const std::vector<Floor>& floors, std::uint64_t done) {
  const Floor* witness = nullptr;
  for (const Floor& floor : floors) {
    if (floor.passed_from > done) continue;
    if (witness == nullptr || floor.passed_from > witness->passed_from) witness = &floor;
  }
  return witness;
}

// Settles what every consumer has passed. Nobody may settle events that no consumer was ever to
// get.
void settle_passed(Books& books) {
  std::uint64_t done = books.next_sequence - 1;
  bool is_wanted = false;
  for (const Floor& floor : books.floors) {
    done = std::min(done, floor.floor);
    is_wanted = is_wanted || floor.start <= books.done + 1;
  }
  if (is_wanted) books.settle(done, witness_of(books.floors, books.done), Outcome::acknowledged);
}

}  // namespace

Status StreamLog::claim(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (is_deleted_) return {Code::not_found, "unknown stream '" + name_ + "'"};
  const bool is_kept = options_.discard == Discard::new_events;
  const std::uint64_t more = kept(next_sequence_) + claimed_events_ + 1;
  if (is_kept && options_.max_events != 0 && more > options_.max_events) {
    return {Code::full,
            "stream " + name_ + ": has its max_events of " + std::to_string(options_.max_events)};
  }
  if (is_kept && options_.max_bytes != 0 && bytes_ + claimed_bytes_ + bytes > options_.max_bytes) {
    return {Code::full,
            "stream " + name_ + ": has its max_bytes of " + std::to_string(options_.max_bytes)};
  }
  ++claimed_events_;
  claimed_bytes_ += bytes;
  return {};
}

void StreamLog::release(std::uint64_t events, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  claimed_events_ -= events;
  claimed_bytes_ -= bytes;
}

Status claim_in_all(std::span<StreamLog* const> streams, std::uint64_t bytes) {
  for (std::size_t i = 0; i < streams.size(); ++i) {
    Status status = streams[i]->claim(bytes);
    if (status.is_ok()) continue;
    release_in_all(streams.first(i), bytes);
    return status;
  }
  return {};
}

void release_in_all(std::span<StreamLog* const> streams, std::uint64_t bytes) {
  for (StreamLog* stream : streams)
    stream->release(1, bytes);
}

bool StreamLog::plan_death(const std::shared_ptr<Cursor>& cursor, std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  const auto is_dying = [&](const auto& other) {
    return std::any_of(deaths_.begin(), deaths_.end(), [&](const Death& death) {
      return death.cursor == other && death.sequence == sequence;
    });
  };
  const auto is_of_it = [&](const Death& death) {
    return death.sequence == sequence && death.is_counted;
  };
  const auto& dead = books_.dead_above;
  const bool is_known = std::binary_search(dead.begin(), dead.end(), sequence) ||
                        std::any_of(deaths_.begin(), deaths_.end(), is_of_it);
  const bool is_counted = sequence > books_.done && !is_known &&
                          std::all_of(cursors_.begin(), cursors_.end(), [&](const auto& other) {
                            return other == cursor || other->is_done(sequence) || is_dying(other);
                          });
  deaths_.push_back({cursor, sequence, is_counted});
  return is_counted;
}

bool StreamLog::needs_books(std::uint64_t next_sequence, Duration life) const {
  const std::lock_guard lock(mutex_);
  if (!deaths_.empty() || leaving_ != nullptr || cursors_.size() != books_.floors.size())
    return true;
  for (std::size_t i = 0; i < cursors_.size(); ++i) {
    if (cursors_[i]->changes() != books_.floors[i].changes) return true;
  }
  if (unbooked_segments_ + added_.segments >= kUnbookedSegmentsMax) return true;
  if (age_due_locked() <= life || is_compaction_due()) return true;
  if (options_.discard == Discard::new_events) return false;
  return (options_.max_events != 0 && kept(next_sequence) > options_.max_events) ||
         (options_.max_bytes != 0 && bytes_ + added_.bytes > options_.max_bytes);
}

// A round is worth its reading and writing when half of the bytes may have been replaced since the
// last one. Near max_bytes it begins earlier, so that the limit takes nothing that could stay.
bool StreamLog::is_compaction_due() const {
  if (max_per_key_ == 0) return false;
  if (compacted_to_ != 0) return true;
  std::uint64_t enough = 2 * compact_bytes_ + kSegmentBytes;
  if (options_.max_bytes != 0) {
    const std::uint64_t room = options_.max_bytes - std::min(options_.max_bytes, compact_bytes_);
    enough = std::min(enough, compact_bytes_ + room / 2);
  }
  return bytes_ + added_.bytes > enough;
}

Duration StreamLog::age_due_locked() const {
  const bool is_bounded =
      options_.max_age != Duration::zero() && oldest_life_ <= Duration::max() - options_.max_age;
  return is_bounded ? oldest_life_ + options_.max_age : Duration::max();
}

Duration StreamLog::age_due() const {
  const std::lock_guard lock(mutex_);
  return age_due_locked();
}

bool StreamLog::has_drops() const {
  const std::lock_guard lock(mutex_);
  return !(reported_ == books_.dropped);
}

Dropped StreamLog::take_dropped() {
  const std::lock_guard lock(mutex_);
  const Dropped before = std::exchange(reported_, books_.dropped);
  Dropped news;
  news.max_bytes = reported_.max_bytes - before.max_bytes;
  news.max_events = reported_.max_events - before.max_events;
  news.max_age = reported_.max_age - before.max_age;
  news.max_per_key = reported_.max_per_key - before.max_per_key;
  news.damaged = reported_.damaged - before.damaged;
  return news;
}

Books StreamLog::books_of_now(std::uint64_t next_sequence, const std::vector<Drop>& drops) const {
  Books books = books_;
  books.next_sequence = next_sequence;
  books.floors.clear();
  for (const auto& cursor : cursors_) {
    Floor floor = cursor->snapshot();
    for (const Death& death : deaths_) {
      if (death.cursor == cursor) floor.settle(death.sequence, death.sequence, Outcome::dead);
    }
    for (const Drop& drop : drops)
      floor.raise(drop.to, drop.reason);
    floor.changes = cursor->changes();  // of what it was taken from
    books.floors.push_back(std::move(floor));
  }
  for (const Death& death : deaths_) {
    if (!death.is_counted) continue;
    auto& dead = books.dead_above;
    dead.insert(std::lower_bound(dead.begin(), dead.end(), death.sequence), death.sequence);
  }
  for (const Drop& drop : drops) {
    books.settle(drop.to, witness_of(books.floors, books.done), drop.reason);
    books.trimmed = std::max(books.trimmed, drop.to);
  }
  settle_passed(books);
  if (leaving_ != nullptr) {
    std::erase_if(books.floors, [this](const Floor& f) { return f.consumer == leaving_->id; });
    settle_passed(books);
  }
  if (options_.retention != Retention::limits) books.trimmed = std::max(books.trimmed, books.done);
  return books;
}

StreamStatus StreamLog::status() const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t next = next_sequence_;
  const Books books = books_of_now(next);
  const DeadCounters& counters = dead_counters_;
  const std::uint64_t dead_above = books.dead_above.size();
  StreamStatus status;
  status.name = name_;
  status.options = options_;
  status.first_sequence = books.trimmed + 1;
  status.next_sequence = next;
  status.bytes = bytes_;
  status.ledger = {
      next - 1,
      books.acknowledged + counters.redelivered,
      next - 1 - books.done - dead_above + counters.requeued,
      books.expired,
      books.dropped,
      books.dead + dead_above - counters.requeued - counters.redelivered - counters.purged};
  status.ledger.dropped.purged = counters.purged;
  for (const auto& cursor : cursors_) {
    const std::uint64_t floor = std::min(cursor->floor(), next - 1);
    status.consumers.push_back({cursor->name, floor, next - 1 - floor});
  }
  return status;
}

}  // namespace edgepost::store
