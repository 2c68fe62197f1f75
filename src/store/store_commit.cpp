// The store's way to the disk: everything that is written goes through commit(), on the thread
// that has the turn.
#include <algorithm>
#include <utility>

#include "store/store.hpp"

namespace edgepost::store {

struct Store::Append : CommitQueue::Request {
  std::span<StreamLog* const> streams;
  const Event* event = nullptr;
  std::uint64_t sequence = 0;  // in the first stream
};

Status Store::add_buffered(Commit& commit, std::vector<Buffered>& taken) {
  {
    const std::lock_guard lock(pending_mutex_);
    taken.swap(buffer_);
    buffer_bytes_ = 0;
    buffered_since_.reset();
  }
  for (const Buffered& buffered : taken) {
    for (StreamLog* stream : buffered.streams) {
      if (const auto added = commit.add(*stream, buffered.event); !added) return added.status();
    }
  }
  return {};
}

void Store::give_back(std::vector<Buffered> taken) {
  if (taken.empty()) return;
  const std::lock_guard lock(pending_mutex_);
  for (const Buffered& buffered : taken)
    buffer_bytes_ += buffered.event.data.size();
  taken.insert(taken.end(), std::make_move_iterator(buffer_.begin()),
               std::make_move_iterator(buffer_.end()));
  buffer_ = std::move(taken);
  buffered_since_ = options_.platform.clock->now();
}

Status Store::commit(const std::function<Status(Commit&)>& work) {
  std::vector<Buffered> taken;
  const auto run = [&]() -> Status {
    Commit commit(*writer_);
    if (Status status = commit.begin(); !status.is_ok()) return status;
    // What was published before comes first, whoever commits.
    if (Status status = add_buffered(commit, taken); !status.is_ok()) return status;
    if (Status status = work(commit); !status.is_ok()) return status;
    if (Status status = commit.finish(); !status.is_ok()) return status;
    ++commits_;
    events_ += commit.events();
    for (StreamLog* stream : commit.grown_streams())
      listener_.on_stored(*stream);
    return {};
  };
  Status status = run();
  if (!status.is_ok()) give_back(std::move(taken));
  return status;
}

Status Store::commit_alone(const std::function<Status(Commit&)>& work) {
  Append request;
  request.is_alone = true;
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  queue_.leave(*group, commit(work));
  return request.status;
}

Result<std::uint64_t> Store::append(std::span<StreamLog* const> streams, const Event& event) {
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  Append request;
  request.bytes = event.data.size();
  request.streams = streams;
  request.event = &event;
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  if (!group->empty()) {
    queue_.leave(*group, commit([&group](Commit& commit) -> Status {
      for (CommitQueue::Request* queued : *group) {
        Append& append = static_cast<Append&>(*queued);
        for (StreamLog* stream : append.streams) {
          const auto added = commit.add(*stream, *append.event);
          if (!added) return added.status();
          if (stream == append.streams.front()) append.sequence = *added;
        }
      }
      return {};
    }));
  }
  if (!request.status.is_ok()) return request.status;
  return request.sequence;
}

Status Store::append_buffered(std::span<StreamLog* const> streams, const Event& event) {
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  {
    const std::lock_guard lock(pending_mutex_);
    if (buffer_bytes_ + event.data.size() <= options_.buffer_bytes_max) {
      buffer_.push_back({{streams.begin(), streams.end()}, event});
      buffer_bytes_ += event.data.size();
      if (buffered_since_) return {};
      buffered_since_ = options_.platform.clock->now();
    } else {
      buffered_since_.reset();
    }
  }
  if (!buffered_since_) return append(streams, event).status();
  due_at(options_.platform.clock->now() + options_.flush_interval);
  return {};
}

Status Store::transact(const std::function<Status(Session&)>& work) {
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  return commit_alone([&](Commit& commit) -> Status {
    Session session(*writer_, commit);
    if (Status status = work(session); !status.is_ok()) return status;
    if (!session.failure().is_ok()) return session.failure();
    if (sqlite3_get_autocommit(writer_->handle()) != 0) {
      return {Code::wrong_state, "transaction: the caller's SQL ended it"};
    }
    return {};
  });
}

// Not synced when only floors are written: a lost acknowledgement is a repeat with the same id,
// never a loss, and the next synced commit carries it.
Status Store::store_floors() {
  bool is_any = false;
  const auto include = [&](Commit* commit) {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_) {
      if (!stream->has_unwritten_floors()) continue;
      is_any = true;
      if (commit != nullptr) commit->include(*stream);
    }
  };
  include(nullptr);
  Status status;
  if (is_any) {
    Append request;
    request.is_alone = true;
    const auto group = queue_.enter(request);
    if (!group) return group.status();
    const bool is_lazy = !has_buffered() && writer_->run("PRAGMA synchronous=NORMAL").is_ok();
    status = commit([&include](Commit& commit) -> Status {
      include(&commit);
      return {};
    });
    if (is_lazy) {
      const Status restored = writer_->run("PRAGMA synchronous=FULL");
      EDGEPOST_ASSERT(restored.is_ok());
    }
    queue_.leave(*group, status);
  }
  const std::lock_guard lock(pending_mutex_);
  acknowledged_events_ = 0;
  acknowledged_since_.reset();
  if (!status.is_ok()) acknowledged_since_ = options_.platform.clock->now();
  return status;
}

bool Store::has_buffered() {
  const std::lock_guard lock(pending_mutex_);
  return !buffer_.empty();
}

Status Store::flush() {
  if (Status status = refuse_if_read_only(); !status.is_ok()) return status;
  // Also waits for a commit in progress that has taken buffered events with it.
  Status status = commit_alone([](Commit&) { return Status(); });
  return status.is_ok() ? store_floors() : status;
}

void Store::acknowledged() {
  const Instant now = options_.platform.clock->now();
  bool is_first = false;
  bool is_many = false;
  {
    const std::lock_guard lock(pending_mutex_);
    is_first = !acknowledged_since_.has_value();
    if (is_first) acknowledged_since_ = now;
    is_many = ++acknowledged_events_ == options_.ack_flush_events;
  }
  if (is_first) due_at(now + options_.ack_flush);
  if (is_many) due_at(now);
}

Instant Store::step(Instant now) {
  bool is_buffer_due = false;
  bool are_floors_due = false;
  {
    const std::lock_guard lock(pending_mutex_);
    is_buffer_due = buffered_since_ && now >= *buffered_since_ + options_.flush_interval;
    are_floors_due = acknowledged_since_ && (now >= *acknowledged_since_ + options_.ack_flush ||
                                             acknowledged_events_ >= options_.ack_flush_events);
  }
  Status status;
  if (is_buffer_due) status = commit_alone([](Commit&) { return Status(); });
  if (are_floors_due && status.is_ok()) status = store_floors();
  if (status.message() != step_failure_) {
    step_failure_ = status.message();
    options_.platform.logger->write(status.is_ok() ? LogLevel::info : LogLevel::error, "store",
                                    status.is_ok() ? "writing works again" : step_failure_);
  }
  const std::lock_guard lock(pending_mutex_);
  next_step_ = Instant::max();
  if (buffered_since_) next_step_ = *buffered_since_ + options_.flush_interval;
  if (acknowledged_since_) {
    next_step_ = std::min(next_step_, *acknowledged_since_ + options_.ack_flush);
  }
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
