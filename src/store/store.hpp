#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/consumer.hpp"
#include "edgepost/gateway.hpp"
#include "edgepost/stream.hpp"
#include "store/anchors.hpp"
#include "store/attempts.hpp"
#include "store/claims.hpp"
#include "store/commit.hpp"
#include "store/connection.hpp"
#include "store/dead_walk.hpp"
#include "store/latest.hpp"
#include "store/life.hpp"
#include "store/listener.hpp"
#include "store/meter.hpp"
#include "store/owner.hpp"
#include "store/pending_work.hpp"
#include "store/room.hpp"
#include "store/salvage.hpp"
#include "store/schema.hpp"
#include "store/session.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// The durable part of a gateway: streams and consumers in one SQLite file.
/// Threads: any, except step(). One thread at a time commits; another may read meanwhile.
class Store {
 public:
  /// Opens or creates; see Gateway::open. Must outlive: the platform of `options`, completed.
  static Result<std::unique_ptr<Store>> open(const GatewayOptions& options, StoreListener listener);
  /// See Gateway::repair. Must outlive: as with open().
  static Result<DamageReport> repair(const GatewayOptions& options);

  /// Stores what is buffered, voids the consumers that are still open, closes.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  /// See Gateway. Requires: valid options.
  Status create_stream(const StreamOptions& options);
  Status change_stream(const StreamOptions& options);
  Status delete_stream(std::string_view name);
  Status delete_consumer(std::string_view stream, std::string_view name);
  Result<std::uint64_t> shrink();
  /// The stream of that name; it lives as long as the store, deleted or not. Errors: not_found.
  Result<StreamLog*> stream(std::string_view name);
  /// All that are not deleted.
  std::vector<StreamLog*> streams();

  /// Stores `event` in `streams`; the sequence is that in the first one. `guessed_at`: what
  /// guess_at() said when the library gave the event its time.
  Result<std::uint64_t> append(std::span<StreamLog* const> streams, const Event& event,
                               std::optional<Duration> guessed_at);
  /// Takes `event` to be stored soon. Stores at once when the buffer is full.
  Status append_buffered(std::span<StreamLog* const> streams, const Event& event,
                         std::optional<Duration> guessed_at);
  /// Runs `work` inside a transaction that commits if it returns ok.
  Status transact(const std::function<Status(Session&)>& work);

  /// A small fact under a name; none: never set. Setting it alone is a commit: not while idle.
  Result<std::optional<std::string>> note(std::string_view name);
  Status set_note(std::string_view name, std::string_view value);

  /// Opens a consumer, creating it if it is new. Errors: busy when open already.
  Result<Consumer> consumer(std::string_view stream, const ConsumerOptions& options);
  /// Hands over what stands from `position` on, event by event, until `take` returns false.
  Status walk(StreamLog& stream, ReadPosition& position, const std::function<bool(Stored&&)>& take);
  /// Appends to `events` what stands from `position` on, within `limits`, except what `skip` says.
  Status read(StreamLog& stream, ReadPosition& position, const ReadLimits& limits,
              const std::function<bool(std::uint64_t)>& skip, std::vector<Event>& events);

  /// Whether newer events have replaced one that was read; see Latest. False when the database
  /// cannot tell: delivering one too many does no harm.
  bool is_replaced(const StreamLog& stream, const Event& event);
  /// The same for what walk() calls, which has the lock.
  bool is_replaced_in_walk(const StreamLog& stream, const Event& event);

  /// Commits buffered events and floors that are due; the next time it has something to do.
  Instant step(Instant now);
  /// Commits all buffered events and all floors now, synced.
  Status flush();

  /// For consumers: one more acknowledgement, or a try, waits to be stored. The floor is noted
  /// until then.
  void acknowledged(Cursor& cursor);
  /// For consumers: sets an event aside with the next step, or a requeued one again. Row, books and
  /// cursor change in one commit; State::buried() tells, without any lock of the store. Until then,
  /// and when the consumer is closed before, the event is pending.
  void bury(Burial burial);
  /// For consumers: a requeued event was delivered; its row goes with the next step.
  void redelivered(const StreamLog& stream, const Cursor& cursor, std::uint64_t sequence);
  /// For consumers: the oldest requeued events behind `after`, without those just delivered.
  Result<std::vector<Event>> requeued(const StreamLog& stream, const Cursor& cursor,
                                      std::uint64_t after, std::size_t count);
  [[nodiscard]] const Platform& platform() const { return options_.platform; }

  /// See Gateway.
  Result<std::vector<DeadLetter>> dead_letters(const DeadLetterQuery& query, std::size_t limit);
  Result<std::vector<DeadLetterGroup>> dead_letter_groups(const DeadLetterQuery& query);
  Result<std::uint64_t> requeue(const DeadLetterQuery& query);
  Result<std::uint64_t> purge(const DeadLetterQuery& query);

  [[nodiscard]] const Identity& identity() const { return identity_; }
  /// What times to live and delays are counted on. Requires: opened as owner.
  [[nodiscard]] Duration life_now() const { return life_->now(); }
  /// Now on the life clock, while the wall clock is not trusted; see Anchors.
  [[nodiscard]] std::optional<Duration> guess_at() const {
    return is_wall_trusted_ ? std::nullopt : std::optional(life_now());
  }
  [[nodiscard]] std::int64_t owner_pid() const { return Owner::pid(options_.database, vfs()); }
  [[nodiscard]] bool is_read_only() const { return options_.access != Access::own; }
  Status fill(GatewayStatus& status);
  Result<VerifyReport> verify();

 private:
  struct Append;
  using DeadChange = Result<std::uint64_t> (DeadWalk::*)(Connection&, std::size_t);

  Store(const GatewayOptions& options, StoreListener listener);
  [[nodiscard]] const std::string& vfs() const { return meter_->name(); }
  static Result<std::unique_ptr<Store>> open(const GatewayOptions& options, StoreListener listener,
                                             bool is_repair);
  Status open_whole();
  Status verify_all();
  Status open_connections();
  Status open_writer();
  Status examine(Status& damage);
  Status check_unclean(Connection& connection);
  void find_stamp(Connection& connection);
  Status refuse_emptied();
  Status keep_lost_tails();
  Status mark_lost_tails();
  Status salvage_all(const Status& why);
  void report_damage(DamageReport report);
  void suspect(StreamLog& stream, std::uint64_t sequence);
  void mend();
  Status mend(StreamLog& stream, std::uint64_t sequence);
  Status load_streams();
  Status load_consumers(StreamLog& stream);
  Result<std::uint64_t> resolve(StreamLog& log, const Position& from);
  Status refresh();
  using Work = std::function<Status(Commit&)>;
  /// What a commit is for. On a full disk new events are refused; everything else is still stored.
  enum class Use : unsigned char { events, upkeep };
  Status commit(const Work& work, Use use);
  Status try_commit(const Work& work, Use use, bool takes_buffered);
  Status commit_alone(const Work& work, Use use = Use::upkeep);
  Status add_buffered(Commit& commit, std::vector<Buffered>& taken, std::size_t& added);
  [[nodiscard]] bool has_unwritten_books(std::span<StreamLog* const> streams) const;
  Status append_in_turn(Append& request);
  void give_back(std::vector<Buffered> taken);
  void include_floors(Commit& commit);
  void floors_wait(bool is_urgent = false);
  std::vector<OpenAttempts> unsaved_attempts();
  Status write_attempts(const std::vector<OpenAttempts>& attempts);
  Status load_attempts(Consumer::State& consumer);
  bool has_old_events();
  Instant step_limits(Instant now);
  Status begin_life();
  [[nodiscard]] WriteStatus writes() const;
  Status open_clocks();
  TimeNow time_now();
  Status write_anchor(const TimeNow& now, bool has_guesses);
  void leave_stamp(bool is_closing = false);
  Status refuse_if_not_owner() const;
  DeadWork take_dead_work();
  Status write_dead_work(Commit& commit, const DeadWork& work);
  void end_dead_work(DeadWork work, const Status& outcome);
  Status load_dead_counters();
  Status meet_others();
  Status look_for_others();
  void tell_requeued();
  Result<std::uint64_t> change_dead(const DeadLetterQuery& query, DeadChange change);
  Status operate(const std::function<Status(Connection&)>& work);
  Result<std::uint64_t> data_version();
  void due_at(Instant when);

  GatewayOptions options_;
  StoreListener listener_;
  Identity identity_;
  std::unique_ptr<Meter> meter_;  // closed last: every file goes through it
  std::unique_ptr<Owner> owner_;
  std::optional<LifeClock> life_;  // an owner's, from when it has opened
  Anchors anchors_;
  std::atomic<bool> is_wall_trusted_ = true;  // as of the last commit or step
  int stamped_changes_ = 0;                   // SQLite's count of changed rows at the last stamp
  std::optional<Stamp> found_stamp_;          // what the owner before has left
  std::vector<Lost> lost_tails_;
  std::atomic<bool> is_suspect_ = false;  // something was damaged: the next owner looks closely
  std::optional<Connection> writer_;      // only with the turn of queue_
  std::optional<Room> room_;              // as writer_
  Statement data_version_query_;
  std::uint64_t data_version_ = 0;        // changes when another connection has written
  std::uint64_t stored_incarnation_ = 0;  // another owner changes it
  bool are_counters_old_ = false;         // of dead letters; only with the turn of queue_
  Claims claims_;                         // only with the turn of queue_
  Latest latest_;                         // only with the turn of queue_
  CommitQueue queue_;
  std::mutex read_mutex_;  // guards reader_, read_latest_ and the streams' statements on it
  std::optional<Connection> reader_;
  Latest read_latest_;        // on reader_
  std::mutex streams_mutex_;  // guards what follows up to consumers_
  std::vector<std::unique_ptr<StreamLog>> streams_;
  std::vector<std::unique_ptr<StreamLog>> deleted_streams_;  // others may hold pointers to them
  std::vector<std::weak_ptr<Consumer::State>> consumers_;

  std::mutex pending_mutex_;  // guards what waits for step()
  std::vector<Buffered> buffer_;
  std::size_t buffer_bytes_ = 0;
  Status buffer_refused_;  // why buffer_ was not stored by the last commit
  std::optional<Instant> buffered_since_;
  std::vector<Suspect> suspects_;
  std::optional<DamageReport> damage_;  // found since this gateway was opened
  std::optional<Instant> acknowledged_since_;
  std::size_t acknowledged_events_ = 0;
  DeadWork dead_work_;
  std::optional<Instant> dead_due_;
  Instant next_step_ = Instant::max();

  bool is_loaded_ = false;  // until then memory knows less than the books: nothing may be written
  Instant reported_at_ = Instant::min();  // only step() uses it
  std::string step_failure_;              // only step() uses it
  std::string mend_failure_;              // only step() uses it
  Instant next_look_{};                   // for what others have written; only step() uses it

  std::mutex operator_mutex_;  // guards operator_
  std::optional<Connection> operator_;

  std::atomic<std::uint64_t> commits_ = 0;
  std::atomic<std::uint64_t> events_ = 0;
};

}  // namespace edgepost::store
