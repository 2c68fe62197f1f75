// The store's way to the disk: everything that is written goes through commit(), on the thread
// that has the turn. Every commit is synced.
#include <algorithm>
#include <utility>

#include "base/event_weight.hpp"
#include "store/consumer_state.hpp"
#include "store/store.hpp"

namespace edgepost::store {

namespace {

constexpr Duration kWallPoll = std::chrono::seconds(1);      // while a trusted clock is waited for
constexpr Duration kLookInterval = std::chrono::seconds(1);  // what Gateway::requeue promises

}  // namespace

struct Store::Append : CommitQueue::Request {
  std::span<StreamLog* const> streams;
  const Event* event = nullptr;
  std::optional<Duration> guessed_at;
  std::uint64_t sequence = 0;  // in the first stream
  bool is_worth_retrying = false;
};

// Adds what there is room for; `added` says how many of `taken` that are.
Status Store::add_buffered(Commit& commit, std::vector<Buffered>& taken, std::size_t& added) {
  {
    const std::lock_guard lock(pending_mutex_);
    buffer_refused_ = {};
    taken.swap(buffer_);
    buffer_bytes_ = 0;
    buffered_since_.reset();
  }
  for (const Buffered& buffered : taken) {
    const std::uint64_t bytes = std::uint64_t{weight(buffered.event)} * buffered.streams.size();
    if (Status status = room_->refuse(bytes); !status.is_ok()) {
      const std::lock_guard lock(pending_mutex_);
      buffer_refused_ = status;
      return {};
    }
    std::vector<StreamLog*> streams = buffered.streams;
    std::erase_if(streams, [](const StreamLog* stream) { return stream->is_deleted(); });
    if (!streams.empty()) {
      const auto sequence = commit.add(streams, buffered.event, buffered.guessed_at);
      if (!sequence) return sequence.status();
    }
    ++added;
  }
  return {};
}

bool Store::has_unwritten_books(std::span<StreamLog* const> streams) const {
  return std::any_of(streams.begin(), streams.end(), [this](const StreamLog* stream) {
    return stream->needs_books(stream->next_sequence(), life_now());
  });
}

void Store::give_back(std::vector<Buffered> taken) {
  if (taken.empty()) return;
  const Instant now = options_.platform.clock->now();
  {
    const std::lock_guard lock(pending_mutex_);
    for (const Buffered& buffered : taken)
      buffer_bytes_ += weight(buffered.event);
    taken.insert(taken.end(), std::make_move_iterator(buffer_.begin()),
                 std::make_move_iterator(buffer_.end()));
    buffer_ = std::move(taken);
    buffered_since_ = now;  // so that a full disk is tried once an interval
  }
  due_at(now + options_.flush_interval);
}

Result<std::uint64_t> Store::data_version() {
  StatementUse query(data_version_query_);
  const Result<bool> row = writer_->step(data_version_query_);
  if (!row) return row.status();
  return query->integer(0);
}

Status Store::try_commit(const Work& work, Use use, bool takes_buffered) {
  std::vector<Buffered> taken;
  std::size_t added = 0;
  const auto run = [&]() -> Status {
    const TimeNow now = time_now();
    Commit commit(*writer_, latest_, now);
    if (Status status = commit.begin(); !status.is_ok()) return status;
    // Who deletes the owner file lets a second owner in: an error is better than two histories.
    if (Status status = meet_others(); !status.is_ok()) return status;
    // What was published before comes first, whoever commits.
    if (takes_buffered) {
      if (Status status = add_buffered(commit, taken, added); !status.is_ok()) return status;
      if (added < taken.size() && use == Use::events) return buffer_refused_;
    }
    if (Status status = work(commit); !status.is_ok()) return status;
    if (Status status = write_anchor(now, commit.has_guesses()); !status.is_ok()) return status;
    if (Status status = commit.finish(); !status.is_ok()) return status;
    anchors_.committed();
    if (are_counters_old_) are_counters_old_ = !load_dead_counters().is_ok();
    if (const int changes = sqlite3_total_changes(writer_->handle()); changes != stamped_changes_) {
      stamped_changes_ = changes;  // a commit of nothing writes nothing
      ++commits_;
      events_ += commit.events();
      leave_stamp();
    }
    for (StreamLog* stream : commit.grown_streams()) {
      const Duration age_due = stream->age_due();
      const Instant instant = options_.platform.clock->now();
      if (stream->has_drops()) due_at(instant);
      if (age_due != Duration::max()) {
        due_at(instant + std::max(age_due - life_now(), Duration::zero()));
      }
      listener_.on_stored(*stream);
    }
    return {};
  };
  Status status = run();
  if (status.is_ok()) {
    const auto end = taken.begin() + static_cast<std::ptrdiff_t>(added);
    for (auto buffered = taken.begin(); buffered != end; ++buffered)
      release_in_all(buffered->streams, weight(buffered->event));
    taken.erase(taken.begin(), end);
    if (anchors_.is_wanted()) due_at(options_.platform.clock->now() + kWallPoll);
    room_->committed(use == Use::events);
  } else {
    anchors_.rolled_back();
  }
  give_back(std::move(taken));
  return status;
}

Status Store::commit(const Work& work, Use use) {
  writer_->forget_full_disk();
  Status status = try_commit(work, use, true);
  if (status.code() != Code::full) return status;
  if (!writer_->has_met_full_disk()) return status;  // something else is full, such as a stream
  if (use == Use::events) {
    room_->met_full_disk();
    return status;
  }
  if (!room_->make_room()) return status;
  {
    const std::lock_guard lock(pending_mutex_);
    if (!buffer_.empty()) buffer_refused_ = status;
  }
  return try_commit(work, use, false);
}

Status Store::commit_alone(const Work& work, Use use) {
  Append request;
  request.is_alone = true;
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  queue_.leave(*group, commit(work, use));
  return request.status;
}

Result<std::uint64_t> Store::append(std::span<StreamLog* const> streams, const Event& event,
                                    std::optional<Duration> guessed_at) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  for (bool is_first = true;; is_first = false) {
    Append request;
    request.bytes = weight(event);
    request.streams = streams;
    request.event = &event;
    request.guessed_at = guessed_at;
    if (Status status = append_in_turn(request); !status.is_ok()) return status;
    if (request.status.is_ok()) return request.sequence;
    if (!is_first || !request.is_worth_retrying) return request.status;
  }
}

Status Store::append_in_turn(Append& request) {
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  if (group->empty()) return {};  // another thread did it
  const Work add_group = [this, &group](Commit& commit) -> Status {
    for (CommitQueue::Request* queued : *group) {
      Append& append = static_cast<Append&>(*queued);
      append.status = room_->refuse(std::uint64_t{append.bytes} * append.streams.size());
      if (append.status.is_ok()) append.status = commit.claim(append.streams, *append.event);
      if (!append.status.is_ok()) {
        // What was acknowledged and is not stored yet may make the room.
        append.is_worth_retrying = has_unwritten_books(append.streams);
        for (StreamLog* stream : append.streams)
          commit.include(*stream);
        continue;
      }
      const auto added = commit.add(append.streams, *append.event, append.guessed_at);
      if (!added) return added.status();
      append.sequence = *added;
    }
    return {};
  };
  queue_.leave(*group, commit(add_group, Use::events));
  return {};
}

Status Store::append_buffered(std::span<StreamLog* const> streams, const Event& event,
                              std::optional<Duration> guessed_at) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  if (Status status = queue_.refuse_leader(); !status.is_ok()) return status;
  // It must not turn out to be too much when it is stored: nobody would hear of it.
  const std::size_t bytes = weight(event);
  if (Status status = claim_in_all(streams, bytes); !status.is_ok()) {
    const bool is_waiting = status.code() == Code::full && has_unwritten_books(streams);
    return is_waiting ? append(streams, event, guessed_at).status() : status;
  }
  bool is_first = false;
  bool is_full = false;
  Instant now;
  {
    const std::lock_guard lock(pending_mutex_);
    is_full = buffer_bytes_ + bytes > options_.buffer_bytes_max;
    if (!is_full) {
      buffer_.push_back({{streams.begin(), streams.end()}, event, guessed_at});
      buffer_bytes_ += bytes;
      is_first = !buffered_since_.has_value();
      if (is_first) buffered_since_ = now = options_.platform.clock->now();
    }
  }
  if (is_full) {
    release_in_all(streams, bytes);
    return append(streams, event, guessed_at).status();
  }
  if (is_first) due_at(now + options_.flush_interval);
  return {};
}

Status Store::transact(const std::function<Status(Session&)>& work) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  const Work run = [&](Commit& commit) -> Status {
    Session session(*writer_, commit, claims_, *room_);
    Status status = work(session);
    if (!session.failure().is_ok()) status = session.failure();
    if (sqlite3_get_autocommit(writer_->handle()) == 0) return status;
    // Ended behind our back: what is stored now is whatever SQLite says.
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_) {
      if (Status loaded = stream->load(*writer_); !loaded.is_ok()) return loaded;
    }
    return status.is_ok() ? Status(Code::wrong_state, "transaction: the caller's SQL ended it")
                          : status;
  };
  return commit_alone(run, Use::events);
}

void Store::include_floors(Commit& commit) {
  {
    const std::lock_guard lock(pending_mutex_);
    acknowledged_since_.reset();
    acknowledged_events_ = 0;
  }
  const std::lock_guard lock(streams_mutex_);
  for (const auto& stream : streams_) {
    if (stream->needs_books(stream->next_sequence(), life_now())) commit.include(*stream);
  }
}

Status Store::flush() {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  std::vector<OpenAttempts> attempts;
  DeadWork dead = take_dead_work();
  Status status = commit_alone([&](Commit& commit) {
    include_floors(commit);
    attempts = unsaved_attempts();
    Status written = write_attempts(attempts);
    return written.is_ok() ? write_dead_work(commit, dead) : written;
  });
  end_dead_work(std::move(dead), status);
  if (!status.is_ok()) {
    floors_wait();  // from now on
    return status;
  }
  for (const OpenAttempts& saved : attempts)
    saved.consumer->saved_attempts(saved.rows);
  const std::lock_guard lock(pending_mutex_);
  return buffer_refused_;
}

void Store::acknowledged(Cursor& cursor) {
  // A note is taken over as acknowledged; what expired or was replaced must not be.
  const Cursor::News news = cursor.take_news(Owner::kRangesMax);
  const std::uint64_t life = life_of(identity_);
  if (news.floor != 0) owner_->note(cursor.id, life, news.floor);
  if (!news.above.empty()) owner_->note_above(cursor.id, life, news.above);
  floors_wait(news.is_urgent);
}

void Store::floors_wait(bool is_urgent) {
  const Instant now = options_.platform.clock->now();
  bool is_first = false;
  bool is_many = false;
  {
    const std::lock_guard lock(pending_mutex_);
    is_first = !acknowledged_since_.has_value();
    if (is_first) acknowledged_since_ = now;
    if (is_urgent) acknowledged_events_ = std::max(acknowledged_events_, options_.ack_flush_events);
    is_many = ++acknowledged_events_ == options_.ack_flush_events || is_urgent;
  }
  if (is_first) due_at(now + options_.ack_flush);
  if (is_many) due_at(now);
}

bool Store::has_old_events() {
  const Duration life = life_now();
  const std::lock_guard lock(streams_mutex_);
  return std::any_of(streams_.begin(), streams_.end(),
                     [life](const auto& stream) { return stream->age_due() <= life; });
}

// Reports what limits have dropped, once a second; when to look at the limits again.
Instant Store::step_limits(Instant now) {
  constexpr Duration kReportPause = std::chrono::seconds(1);
  const bool is_time = now - kReportPause >= reported_at_ || reported_at_ == Instant::min();
  const Duration life = life_now();
  Instant next = Instant::max();
  for (StreamLog* stream : streams()) {
    if (const Duration due = stream->age_due(); due != Duration::max()) {
      next = std::min(next, now + std::max(due - life, Duration::zero()));
    }
    if (!is_time) {
      if (stream->has_drops()) next = std::min(next, reported_at_ + kReportPause);
      continue;
    }
    const Dropped dropped = stream->take_dropped();
    if (dropped.total() == 0) continue;
    reported_at_ = now;
    listener_.on_dropped(*stream, dropped);
  }
  return next;
}

Instant Store::step(Instant now) {
  mend();
  bool is_due = false;
  {
    const std::lock_guard lock(pending_mutex_);
    is_due = (buffered_since_ && now >= *buffered_since_ + options_.flush_interval) ||
             (acknowledged_since_ && (now >= *acknowledged_since_ + options_.ack_flush ||
                                      acknowledged_events_ >= options_.ack_flush_events)) ||
             (dead_due_ && now >= *dead_due_);
  }
  if (anchors_.is_wanted()) is_due = is_due || options_.platform.clock->wall_is_trusted();
  is_due = is_due || has_old_events();
  Status status = is_due ? flush() : Status();
  const bool is_looking = !is_read_only() && now >= next_look_;
  if (is_looking) {
    next_look_ = now + kLookInterval;
    if (status.is_ok()) status = look_for_others();
  }
  if ((is_due || is_looking) && status.message() != step_failure_) {
    step_failure_ = status.message();
    options_.platform.logger->write(status.is_ok() ? LogLevel::info : LogLevel::error, "store",
                                    status.is_ok() ? "writing works again" : step_failure_);
  }
  const Instant next_limit = step_limits(now);
  const std::lock_guard lock(pending_mutex_);
  next_step_ = next_limit;
  if (buffered_since_)
    next_step_ = std::min(next_step_, *buffered_since_ + options_.flush_interval);
  if (acknowledged_since_) {
    next_step_ = std::min(next_step_, *acknowledged_since_ + options_.ack_flush);
  }
  if (anchors_.is_wanted()) next_step_ = std::min(next_step_, now + kWallPoll);
  if (dead_due_) next_step_ = std::min(next_step_, *dead_due_);
  if (!is_read_only()) next_step_ = std::min(next_step_, next_look_);
  return next_step_;
}

void Store::due_at(Instant when) {
  {
    const std::lock_guard lock(pending_mutex_);
    if (when >= next_step_) return;
    next_step_ = when;
  }
  listener_.on_due();
}

}  // namespace edgepost::store
