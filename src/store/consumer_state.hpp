#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/event_weight.hpp"
#include "edgepost/consumer.hpp"
#include "edgepost/stream.hpp"
#include "store/delivery.hpp"
#include "store/store.hpp"

namespace edgepost {

/// A consumer that is open: it brings together what the store has and what Delivery decides.
/// The mutex is held while it reads, so that closing the store waits. Whoever holds it must not
/// wait for the turn to commit.
struct Consumer::State : std::enable_shared_from_this<Consumer::State> {
  State(store::Store& owner, store::StreamLog& log, std::shared_ptr<store::Cursor> place,
        const ConsumerOptions& how);
  ~State() { cursor->is_open = false; }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  /// What Consumer's methods do, with the mutex held and the store open.
  Status fetch(const ReadLimits& limits, std::vector<Event>& events);
  Status acknowledge(std::uint64_t sequence);
  Status nack(std::uint64_t sequence, std::string_view error, std::optional<Duration> delay);

  [[nodiscard]] Instant next_due();
  [[nodiscard]] Status not_in_flight(std::uint64_t sequence) const;

  /// Hands to the store what was given up.
  Status bury();

  /// For the store: what became of an event that was to be buried. One that could not be is tried
  /// again after the longest of the retry delays. Call without any lock of the store.
  void buried(std::uint64_t sequence, bool is_stored);

  /// For the store: dead letters of this consumer may have been requeued.
  void look_for_requeued() { has_requeued = true; }

  /// For the store: tries that are to be stored, and which of those are stored now.
  std::vector<store::AttemptRow> unsaved_attempts();
  void saved_attempts(const std::vector<store::AttemptRow>& rows);

  std::mutex mutex;
  store::Store* store;  ///< Null once the gateway is closed.
  store::StreamLog& stream;
  const std::shared_ptr<store::Cursor> cursor;
  const ConsumerOptions options;
  store::Delivery delivery;
  store::ReadPosition position;  ///< Of new events.
  store::ReadPosition fresh;     ///< Of those that pass; not before `position`: there are none.
  store::ReadPosition again;     ///< Of events that are read once more.
  std::atomic<bool> has_requeued = true;

 private:
  struct Batch;
  Status load_requeued();
  void place_fresh();
  [[nodiscard]] bool has_fresh() const;
  Status take_turns(Batch& batch);
  Status take_old(Batch& batch);
  void read_fresh(Batch& batch);
  void meet_fresh(store::Stored&& stored, Batch& batch);
  Status take_waiting(Batch& batch);
  Status read_new(Batch& batch);
  bool meet(store::Stored&& stored, std::uint64_t expected, Batch& batch);
  [[nodiscard]] bool has_new() const;
  void settle_unseen(std::uint64_t expected, std::uint64_t next);
  [[nodiscard]] bool is_wanted(const Event& event) const;
  [[nodiscard]] Instant due_of(const store::Stored& stored, Instant time) const;
  Result<std::optional<store::Stored>> find(std::uint64_t sequence, bool is_requeued);
  [[nodiscard]] store::Outcome missing() const;
  [[nodiscard]] bool is_expired(const Event& event, Duration life) const;
  void settle(std::uint64_t sequence, store::Outcome outcome);
  [[nodiscard]] Instant now() const;

  std::size_t fresh_debt = 0;  // percent that the backlog is owed before a fresh event goes again
};

/// What one fetch has found so far.
struct Consumer::State::Batch {
  const ReadLimits& limits;
  std::vector<Event>& events;
  std::size_t bytes = 0;
  std::size_t pause_at = std::numeric_limits<std::size_t>::max();

  [[nodiscard]] bool is_full() const {
    const std::size_t end = std::min(limits.events, pause_at);
    return !events.empty() && (events.size() >= end || bytes >= limits.bytes);
  }
  // Room for so many more, at most.
  void pause_after(std::size_t count) { pause_at = events.size() + count; }
  void go_on() { pause_at = std::numeric_limits<std::size_t>::max(); }
  void add(Event&& event) {
    bytes += weight(event);
    events.push_back(std::move(event));
  }
};

}  // namespace edgepost
