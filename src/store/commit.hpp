#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "store/anchors.hpp"
#include "store/connection.hpp"
#include "store/latest.hpp"
#include "store/segment.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// One write transaction over any number of streams: events are packed into segments as they are
/// added; floors that moved ride along. Rolled back unless finished.
/// Threads: only the one whose turn it is to commit.
class Commit {
 public:
  Commit(Connection& connection, Latest& latest, const TimeNow& now)
      : connection_(connection), transaction_(connection), latest_(latest), now_(now) {}
  ~Commit();
  Commit(const Commit&) = delete;
  Commit& operator=(const Commit&) = delete;

  /// Takes the write lock.
  Status begin() { return transaction_.begin(); }

  /// From now on a caller has the connection as well, and may roll back what was added.
  void share() { is_shared_ = true; }

  /// Takes room for one event in all of `streams`, until the commit is over; then add() it to each.
  /// Errors: full; not_found (deleted); then none has taken it.
  Status claim(std::span<StreamLog* const> streams, const Event& event);

  /// Packs one event into all of `streams`; which sequence it gets in the first one if the commit
  /// succeeds. `guessed_at`: the life at which the library gave its time by a wall clock that is
  /// not trusted; see Anchors.
  Result<std::uint64_t> add(std::span<StreamLog* const> streams, const Event& event,
                            std::optional<Duration> guessed_at);

  /// How far each stream had come when mark() was called.
  struct Mark {
    struct Stand {
      std::uint64_t next = 0;
      StreamLog::Added added;
      std::uint64_t claimed_events = 0;
      std::uint64_t claimed_bytes = 0;
    };
    std::vector<Stand> stands;  ///< Of each stream that had a part in it.
    std::uint64_t events = 0;
  };

  /// Writes out the events added so far, so that a savepoint can part them from those to come.
  Result<Mark> mark();

  /// Forgets the events added since `mark`, which the database has rolled back already.
  void back_to(const Mark& mark);

  /// Makes the floors of `stream` part of this commit.
  void include(StreamLog& stream) { part_of(stream); }

  /// The commit has nothing to do with `stream` any more, whose table is about to go.
  void leave_out(StreamLog& stream);

  /// Has `undo` called if the transaction is rolled back, the last one first: for what was changed
  /// in memory. A commit that a full disk refused may be tried again.
  void on_rollback(std::function<void()> undo) { undo_.push_back(std::move(undo)); }

  /// Writes what is left, commits, and takes the change over in memory. After failure: rolled back.
  Status finish();

  /// The streams that got events, and how many events that were.
  [[nodiscard]] std::vector<StreamLog*> grown_streams() const;
  [[nodiscard]] std::uint64_t events() const { return events_; }

  /// True when a guess was added that waits for an anchor.
  [[nodiscard]] bool has_guesses() const { return has_guesses_; }

 private:
  struct Part {
    StreamLog* stream;
    std::unique_ptr<SegmentWriter> segment;  // null: nothing waits to be written
    std::uint64_t first;
    std::uint64_t next;
    std::uint64_t written = 0;  // last sequence of the newest segment inserted; 0: none yet
    std::uint64_t claimed_events = 0;
    std::uint64_t claimed_bytes = 0;
    std::uint32_t max_per_key = 0;
    std::vector<Keyed> keyed;  // added, where max_per_key asks for it
  };
  Part& part_of(StreamLog& stream);
  Status check_written(const Part& part);
  Status write_segment(Part& part);
  Result<std::uint64_t> add_to(StreamLog& stream, const Event& event,
                               std::optional<Duration> guessed_at);
  void pack_guess(SegmentWriter& segment, Event event, Duration guessed_at);

  Connection& connection_;
  WriteTransaction transaction_;
  Latest& latest_;
  const TimeNow now_;
  std::vector<Part> parts_;
  std::vector<std::function<void()>> undo_;
  std::uint64_t events_ = 0;
  bool has_guesses_ = false;
  bool is_shared_ = false;
  bool is_finished_ = false;
};

/// Gives threads their turn to commit. The first one waiting leads: it commits what the others
/// behind it have queued as well, up to a number of bytes, and wakes them with the outcome. A
/// thread alone commits at once; many threads share one sync.
/// (The writer queue of leader and followers is leveldb's idea: db_impl.cc.)
class CommitQueue {
 public:
  /// What one thread wants committed; derive from it to carry the content.
  struct Request {
    std::size_t bytes = 0;
    bool is_alone = false;  ///< Needs a commit of its own.
    bool is_done = false;
    Status status;  ///< Set before leave(): a failure of this request alone.
  };

  explicit CommitQueue(std::size_t group_bytes_max) : group_bytes_max_(group_bytes_max) {}

  /// Errors: wrong_state when this thread has the turn.
  Status refuse_leader();

  /// Waits until another thread has committed `request` (then the result is empty and the outcome
  /// is in its status) or it is this thread's turn (then the result is the group to commit, in
  /// order, `request` first; leave() must follow).
  /// Errors: wrong_state when this thread has the turn already.
  Result<std::vector<Request*>> enter(Request& request);

  /// Ends the turn and gives every request of `group` the outcome.
  void leave(const std::vector<Request*>& group, const Status& outcome);

 private:
  const std::size_t group_bytes_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request*> waiting_;
  bool is_led_ = false;
  decltype(std::this_thread::get_id()) leader_{};
};

}  // namespace edgepost::store
