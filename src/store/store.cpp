#include "store/store.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/event_weight.hpp"
#include "store/consumer_state.hpp"
#include "store/dead_walk.hpp"
#include "store/notes.hpp"

namespace edgepost::store {
namespace {

// What an owner, now or before, has left beside the database.
void look_beside(const std::string& database, const std::string& vfs, std::uint64_t life,
                 GatewayStatus& status) {
  if (const auto stamp = Owner::stamp(database, vfs, life)) {
    status.writes = stamp->writes;
    status.is_reserve_used = stamp->is_reserve_used;
  }
  const Result<Files> files = Files::beside(database, vfs);
  const Result<std::string> evidence = files ? newest_evidence(*files) : files.status();
  if (evidence && !evidence->empty()) status.damage = DamageReport{.set_aside = *evidence};
}

}  // namespace

Store::Store(const GatewayOptions& options, StoreListener listener)
    : options_(options),
      listener_(std::move(listener)),
      claims_(options.claims_max),
      queue_(options.group_bytes_max) {}

// Takes over what the owner before had reached when it was killed, and begins a life of its own:
// first the notes, then the count, so that a kill in between loses neither.
Status Store::begin_life() {
  std::map<std::uint32_t, Owner::Note> notes;
  const std::uint64_t before = life_of(identity_);
  ++identity_.incarnation;
  const std::uint64_t now = life_of(identity_);
  for (const auto& stream : streams_) {
    for (const auto& cursor : stream->cursors()) {
      for (const std::uint64_t life : {before, now}) {
        const std::uint64_t floor = owner_->noted(cursor->id, life);
        const std::vector<Range> above = owner_->noted_above(cursor->id, life);
        const std::uint64_t last = above.empty() ? floor : std::max(floor, above.front().to);
        if (last >= stream->next_sequence()) continue;
        cursor->raise(floor, Outcome::acknowledged);
        for (const Range& range : above)
          cursor->settle(range.from, range.to, Outcome::acknowledged);
      }
      notes[cursor->id] = {cursor->floor(), cursor->take_news(Owner::kRangesMax).above};
    }
  }
  Status status = open_clocks();
  if (!status.is_ok()) return status;
  status = owner_->begin_notes(notes, now);
  leave_stamp();
  if (status.is_ok()) status = count_opening(*writer_);
  if (status.code() == Code::full && room_->make_room()) {
    status = count_opening(*writer_);
  }
  stored_incarnation_ = identity_.incarnation - (status.is_ok() ? 0 : 1);
  // On a full disk it must still be possible to drain; the next owner knows both counts.
  return status.code() == Code::full ? Status() : status;
}

WriteStatus Store::writes() const {
  const std::uint64_t checkpoints = room_ ? room_->checkpoints() : 0;
  return {commits_, events_, meter_->bytes(), meter_->syncs(), checkpoints};
}

// Behind a commit, never before: what it says is in the database.
void Store::leave_stamp(bool is_closing) {
  Stamp stamp;
  stamp.life = life_of(identity_);
  stamp.is_clean =
      is_closing && !is_suspect_ && !writer_->has_met_damage() && !reader_->has_met_damage();
  stamp.is_reserve_used = room_ && room_->is_reserve_used();
  stamp.boot = options_.platform.clock->since_boot();
  stamp.writes = writes();
  stamp.lived = life_->at(stamp.boot);
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_)
      stamp.marks[stream->id()] = stream->next_sequence() - 1;
  }
  owner_->leave(stamp);
}

Result<std::uint64_t> Store::shrink() {
  // First what waits to be stored: the room of what is acknowledged is to be given back too. On a
  // full disk there is all the more reason to go on.
  if (Status status = flush(); !status.is_ok() && status.code() != Code::full) return status;
  CommitQueue::Request request;
  request.is_alone = true;
  const auto group = queue_.enter(request);
  if (!group) return group.status();
  const auto in_turn = [this]() -> Result<std::uint64_t> {
    const auto nothing = [](Commit&) { return Status(); };  // still, it finds another owner
    if (Status status = commit(nothing, Use::upkeep); !status.is_ok()) return status;
    Result<std::uint64_t> bytes = room_->shrink();
    leave_stamp();
    return bytes;
  };
  Result<std::uint64_t> bytes = in_turn();
  queue_.leave(*group, bytes.status());
  return bytes;
}

Status Store::refresh() {
  if (!is_read_only()) return {};
  const std::lock_guard lock(read_mutex_);
  Status status = load_streams();
  return status.is_ok() ? anchors_.load(*reader_) : status;
}

Store::~Store() {
  if (is_loaded_) {  // as owner, and not failed on the way
    if (const Status status = flush(); !status.is_ok()) {
      options_.platform.logger->write(LogLevel::error, "store",
                                      "closing: what was buffered is lost: " + status.message());
    }
    if (owner_ != nullptr) leave_stamp(true);
  }
  const std::lock_guard lock(streams_mutex_);
  for (const auto& weak : consumers_) {
    if (const auto consumer = weak.lock()) {
      const std::lock_guard consumer_lock(consumer->mutex);
      consumer->store = nullptr;
      consumer->position.segment.reset();
      consumer->fresh.segment.reset();
      consumer->again.segment.reset();
    }
  }
}

Status Store::refuse_if_not_owner() const {
  if (!is_read_only()) return {};
  return {Code::wrong_state, "database " + options_.database + ": opened for reading only"};
}

Status Store::walk(StreamLog& stream, ReadPosition& position,
                   const std::function<bool(Stored&&)>& take) {
  const Status status = [&]() -> Status {
    const std::lock_guard lock(read_mutex_);
    while (true) {
      Result<std::optional<Stored>> stored = stream.read(*reader_, position);
      if (!stored) return stored.status();
      if (!stored->has_value()) return {};
      anchors_.correct(**stored);
      if (!take(std::move(stored->value()))) return {};
    }
  }();
  if (status.code() == Code::corrupt) suspect(stream, position.next);
  return status;
}

Status Store::read(StreamLog& stream, ReadPosition& position, const ReadLimits& limits,
                   const std::function<bool(std::uint64_t)>& skip, std::vector<Event>& events) {
  std::size_t bytes = 0;
  return walk(stream, position, [&](Stored&& stored) {
    if (skip(stored.event.sequence)) return true;
    bytes += weight(stored.event);
    events.push_back(std::move(stored.event));
    return events.size() < limits.events && bytes < limits.bytes;
  });
}

bool Store::is_replaced(const StreamLog& stream, const Event& event) {
  if (stream.max_per_key() == 0) return false;
  const std::lock_guard lock(read_mutex_);
  return is_replaced_in_walk(stream, event);
}

bool Store::is_replaced_in_walk(const StreamLog& stream, const Event& event) {
  const auto is_replaced = read_latest_.is_replaced(*reader_, stream.id(), stream.max_per_key(),
                                                    event.key, event.sequence);
  return is_replaced.is_ok() && *is_replaced;
}

Result<std::optional<std::string>> Store::note(std::string_view name) {
  const std::lock_guard lock(read_mutex_);
  return read_note(*reader_, name);
}

Status Store::set_note(std::string_view name, std::string_view value) {
  if (Status status = refuse_if_not_owner(); !status.is_ok()) return status;
  return commit_alone([&](Commit&) { return write_note(*writer_, name, value); });
}

Status Store::fill(GatewayStatus& status) {
  if (Status fresh = refresh(); !fresh.is_ok()) return fresh;
  {
    const std::lock_guard lock(streams_mutex_);
    for (const auto& stream : streams_)
      status.streams.push_back(stream->status());
  }
  std::sort(status.streams.begin(), status.streams.end(),
            [](const StreamStatus& a, const StreamStatus& b) { return a.name < b.name; });
  status.owner_pid = owner_pid();
  status.incarnation = identity_.incarnation;
  if (owner_ == nullptr) {
    look_beside(options_.database, vfs(), life_of(identity_), status);
  } else {
    status.writes = writes();
    status.is_reserve_used = room_ && room_->is_reserve_used();
    const std::lock_guard lock(pending_mutex_);
    status.damage = damage_;
  }
  const std::lock_guard lock(read_mutex_);
  Result<std::vector<DeadLetterGroup>> dead_letters = store::dead_letter_groups(*reader_, {});
  if (!dead_letters) return dead_letters.status();
  status.dead_letters = std::move(*dead_letters);
  const Result<std::int64_t> pages = reader_->integer("PRAGMA page_count");
  const Result<std::int64_t> free = reader_->integer("PRAGMA freelist_count");
  const Result<std::int64_t> page = reader_->integer("PRAGMA page_size");
  if (!pages) return pages.status();
  if (!free) return free.status();
  if (!page) return page.status();
  status.log_bytes = reader_->log_bytes();
  status.free_bytes = static_cast<std::uint64_t>(*free * *page);
  status.database_bytes = static_cast<std::uint64_t>(*pages * *page);
  return {};
}

}  // namespace edgepost::store
