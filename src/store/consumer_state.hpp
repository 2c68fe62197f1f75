#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

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

  [[nodiscard]] Instant next_due() const;
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
  store::ReadPosition position;    ///< Of new events.
  store::ReadPosition again;       ///< Of events that are read once more.
  std::uint64_t wanted_floor = 0;  ///< Nothing new is read before the floor is there.
  std::atomic<bool> has_requeued = true;

 private:
  struct Batch;
  Status load_requeued();
  Status take_waiting(Batch& batch);
  Status read_new(Batch& batch);
  bool meet(store::Stored&& stored, std::uint64_t expected, Batch& batch);
  [[nodiscard]] bool has_new() const;
  bool settle_unseen(std::uint64_t expected, std::uint64_t next);
  bool settle_all(std::uint64_t from, std::uint64_t to, store::Outcome outcome);
  Result<std::optional<store::Stored>> find(std::uint64_t sequence, bool is_requeued);
  [[nodiscard]] store::Outcome missing() const;
  [[nodiscard]] bool is_expired(const Event& event, Duration life) const;
  void settle(std::uint64_t sequence, store::Outcome outcome);
  [[nodiscard]] Instant now() const;
};

}  // namespace edgepost
