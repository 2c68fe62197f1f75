// What the store does with dead letters: its own, and what an operator beside it does to them.
#include <algorithm>
#include <iterator>
#include <utility>

#include "store/consumer_state.hpp"
#include "store/dead_letters.hpp"
#include "store/dead_walk.hpp"
#include "store/store.hpp"

namespace edgepost::store {
namespace {

// In one transaction, so that others wait for milliseconds at most.
constexpr std::size_t kChangedTogether = 1'000;
constexpr std::size_t kListedTogether = 16;  // with their events

}  // namespace

void Store::bury(Burial burial) {
  const Instant now = options_.platform.clock->now();
  {
    const std::lock_guard lock(pending_mutex_);
    dead_work_.burials.push_back(std::move(burial));
    dead_due_ = now;
  }
  due_at(now);
}

void Store::redelivered(const StreamLog& stream, const Cursor& cursor, std::uint64_t sequence) {
  const Instant now = options_.platform.clock->now();
  {
    const std::lock_guard lock(pending_mutex_);
    dead_work_.redelivered.insert({stream.id(), cursor.name, sequence});
    dead_due_ = now;
  }
  due_at(now);
}

Result<std::vector<Event>> Store::requeued(const StreamLog& stream, const Cursor& cursor,
                                           std::uint64_t after, std::size_t count) {
  std::vector<Event> events;
  while (events.size() < count) {
    // Looked at before the rows: what has left the set by then has left the table as well.
    std::set<Redelivered> delivered;
    {
      const std::lock_guard lock(pending_mutex_);
      delivered = dead_work_.redelivered;
    }
    Result<std::vector<Stored>> found = [&] {
      const std::lock_guard lock(read_mutex_);
      return requeued_events(*reader_, {stream.id(), cursor.name, after}, count - events.size());
    }();
    if (!found) return found.status();
    if (found->empty()) break;
    after = found->back().event.sequence;
    for (Stored& stored : *found) {
      if (delivered.contains({stream.id(), cursor.name, stored.event.sequence})) continue;
      anchors_.correct(stored);
      events.push_back(std::move(stored.event));
    }
  }
  return events;
}

DeadWork Store::take_dead_work() {
  const std::lock_guard lock(pending_mutex_);
  dead_due_.reset();
  return {std::exchange(dead_work_.burials, {}), dead_work_.redelivered};
}

Status Store::write_dead_work(Commit& commit, const DeadWork& work) {
  for (const Burial& burial : work.burials) {
    const auto consumer = burial.consumer.lock();
    // Nobody waits for it any more: it stays pending, and is tried again.
    if (consumer == nullptr || consumer->stream.is_deleted()) continue;
    StreamLog& stream = consumer->stream;
    const std::uint64_t sequence = burial.stored.event.sequence;
    const DeadPlace place{stream.id(), consumer->cursor->name, sequence};
    Status status;
    if (consumer->cursor->is_done(sequence)) {
      are_counters_old_ = true;
      status = bury_again(*writer_, place, burial.attempts, burial.last_error);
    } else {
      commit.include(stream);
      const bool is_counted = stream.plan_death(consumer->cursor, sequence);
      status = insert_dead(*writer_, stream.id(),
                           {stream.name(), consumer->cursor->name, burial.stored.event,
                            burial.reason, burial.attempts, burial.first_error, burial.last_error},
                           is_counted, {burial.stored.life, burial.stored.wall_offset});
    }
    if (!status.is_ok()) return status;
  }
  for (const Redelivered& place : work.redelivered) {
    are_counters_old_ = true;
    Status status = delete_redelivered(*writer_, {place.stream, place.consumer, place.sequence});
    if (!status.is_ok()) return status;
  }
  return {};
}

void Store::end_dead_work(DeadWork work, const Status& outcome) {
  if (work.burials.empty() && work.redelivered.empty()) return;
  if (!outcome.is_ok()) {
    const Instant later = options_.platform.clock->now() + options_.ack_flush;
    {
      const std::lock_guard lock(pending_mutex_);
      work.burials.insert(work.burials.end(), std::make_move_iterator(dead_work_.burials.begin()),
                          std::make_move_iterator(dead_work_.burials.end()));
      dead_work_.burials = std::move(work.burials);
      dead_due_ = later;
    }
    return due_at(later);
  }
  {
    const std::lock_guard lock(pending_mutex_);
    for (const Redelivered& place : work.redelivered)
      dead_work_.redelivered.erase(place);
  }
  for (const Burial& burial : work.burials) {
    if (const auto consumer = burial.consumer.lock()) {
      consumer->buried(burial.stored.event.sequence, true);
      listener_.on_stored(consumer->stream);  // what it held back may go
    }
  }
}

// Called with the turn to commit.
Status Store::load_dead_counters() {
  for (StreamLog* stream : streams()) {
    const Result<DeadCounters> counters = dead_counters(*writer_, stream->id());
    if (!counters) return counters.status();
    stream->set_dead_counters(*counters);
  }
  return {};
}

// An operator may write beside its owner; who opens the database as another owner may not, and
// leaves the mark of it in the incarnation. Called with the turn to commit.
Status Store::meet_others() {
  const Result<std::uint64_t> version = data_version();
  if (!version) return version.status();
  if (*version == data_version_) return {};
  const Result<std::int64_t> incarnation =
      writer_->integer("SELECT incarnation FROM edgepost_meta");
  if (!incarnation) return incarnation.status();
  if (static_cast<std::uint64_t>(*incarnation) != stored_incarnation_) {
    return {Code::busy, "database " + options_.database +
                            ": written by another process; open it again to go on"};
  }
  if (Status status = load_dead_counters(); !status.is_ok()) return status;
  data_version_ = *version;
  tell_requeued();
  return {};
}

Status Store::look_for_others() {
  CommitQueue::Request request;
  request.is_alone = true;
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  queue_.leave(*group, meet_others());
  return request.status;
}

void Store::tell_requeued() {
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& weak : consumers_) {
      if (const auto consumer = weak.lock()) consumer->look_for_requeued();
    }
  }
  for (StreamLog* stream : streams())
    listener_.on_stored(*stream);
}

Result<std::vector<DeadLetter>> Store::dead_letters(const DeadLetterQuery& query,
                                                    std::size_t limit) {
  const std::lock_guard lock(read_mutex_);
  Result<DeadWalk> walk = DeadWalk::begin(*reader_, query);
  if (!walk) return walk.status();
  std::vector<DeadLetter> letters;
  while (!walk->is_over() && letters.size() < limit) {
    Status status =
        walk->list(*reader_, anchors_, std::min(kListedTogether, limit - letters.size()), letters);
    if (!status.is_ok()) return status;
  }
  if (walk->damage().is_ok()) return letters;
  if (letters.empty()) return walk->damage();
  options_.platform.logger->write(LogLevel::error, "store", walk->damage().message());
  return letters;
}

Result<std::vector<DeadLetterGroup>> Store::dead_letter_groups(const DeadLetterQuery& query) {
  const std::lock_guard lock(read_mutex_);
  return store::dead_letter_groups(*reader_, query);
}

Result<std::uint64_t> Store::requeue(const DeadLetterQuery& query) {
  return change_dead(query, &DeadWalk::requeue);
}

Result<std::uint64_t> Store::purge(const DeadLetterQuery& query) {
  return change_dead(query, &DeadWalk::purge);
}

Result<std::uint64_t> Store::change_dead(const DeadLetterQuery& query, DeadChange change) {
  if (options_.access == Access::read) {
    return Status(Code::wrong_state, "database " + options_.database + ": opened for reading only");
  }
  std::optional<DeadWalk> walk;
  std::uint64_t changed = 0;
  while (!walk || !walk->is_over()) {
    std::optional<DeadWalk> gone;  // `walk` follows when it is stored: this may be tried again
    std::uint64_t count = 0;
    const auto some = [&](Connection& connection) -> Status {
      Result<DeadWalk> begun = walk ? *walk : DeadWalk::begin(connection, query);
      if (!begun) return begun.status();
      gone = std::move(*begun);
      const Result<std::uint64_t> done = ((*gone).*change)(connection, kChangedTogether);
      if (done) count = *done;
      return done.status();
    };
    Status status = options_.access == Access::own ? commit_alone([&](Commit&) {
      are_counters_old_ = true;
      return some(*writer_);
    })
                                                   : operate(some);
    if (!status.is_ok()) return status;
    walk = std::move(gone);
    changed += count;
  }
  if (options_.access == Access::own && changed > 0) tell_requeued();
  return changed;
}

// On a connection of the operator's own, which leaves the log and the file to their owner: it only
// ever adds to the log.
Status Store::operate(const std::function<Status(Connection&)>& work) {
  const std::lock_guard lock(operator_mutex_);
  if (!operator_) {
    Result<Connection> opened =
        Connection::open(options_.database, vfs(), Connection::Mode::operate);
    if (!opened) return opened.status();
    operator_ = std::move(*opened);
  }
  WriteTransaction transaction(*operator_);
  Status status = transaction.begin();
  if (status.is_ok()) status = work(*operator_);
  return status.is_ok() ? transaction.commit() : status;
}

}  // namespace edgepost::store
