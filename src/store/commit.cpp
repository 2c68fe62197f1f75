#include "store/commit.hpp"

#include <algorithm>
#include <utility>

#include "base/event_weight.hpp"

namespace edgepost::store {
namespace {

constexpr std::size_t kLargeEventBytes = 16 * 1024;  // gets a segment of its own

}  // namespace

Commit::~Commit() {
  for (const Part& part : parts_) {
    part.stream->release(part.claimed_events, part.claimed_bytes);
    if (!is_finished_) part.stream->rolled_back();
  }
  if (is_finished_) return;
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo)
    (*undo)();
}

Commit::Part& Commit::part_of(StreamLog& stream) {
  const auto found = std::find_if(parts_.begin(), parts_.end(),
                                  [&stream](const Part& part) { return part.stream == &stream; });
  if (found != parts_.end()) return *found;
  const std::uint64_t next = stream.next_sequence();
  parts_.push_back({.stream = &stream, .segment = nullptr, .first = next, .next = next});
  parts_.back().max_per_key = stream.max_per_key();
  return parts_.back();
}

void Commit::leave_out(StreamLog& stream) {
  std::erase_if(parts_, [&stream](const Part& part) {
    if (part.stream != &stream) return false;
    stream.release(part.claimed_events, part.claimed_bytes);
    stream.rolled_back();
    return true;
  });
}

// A caller who has the connection as well may have rolled back to a savepoint of its own, or begun
// anew, unnoticed: there would be a hole in the stream.
Status Commit::check_written(const Part& part) {
  if (!is_shared_ || part.written == 0) return {};
  const Result<std::uint64_t> newest = part.stream->newest(connection_);
  if (!newest) return newest.status();
  if (*newest == part.written) return {};
  return {Code::wrong_state, "transaction: events of stream " + part.stream->name() +
                                 " are gone: the caller's SQL has rolled back"};
}

Status Commit::write_segment(Part& part) {
  if (part.segment == nullptr) return {};
  if (Status status = check_written(part); !status.is_ok()) return status;
  const std::unique_ptr<SegmentWriter> segment = std::move(part.segment);
  segment->finish(part.stream->id(), part.next - 1);
  part.written = part.next - 1;
  return part.stream->append(connection_, *segment, part.next - 1);
}

Status Commit::claim(std::span<StreamLog* const> streams, const Event& event) {
  const std::uint64_t bytes = weight(event);
  if (Status status = claim_in_all(streams, bytes); !status.is_ok()) return status;
  for (StreamLog* stream : streams) {
    Part& part = part_of(*stream);
    ++part.claimed_events;
    part.claimed_bytes += bytes;
  }
  return {};
}

Result<std::uint64_t> Commit::add(std::span<StreamLog* const> streams, const Event& event,
                                  std::optional<Duration> guessed_at) {
  Result<std::uint64_t> first = add_to(*streams.front(), event, guessed_at);
  for (std::size_t i = 1; first && i < streams.size(); ++i) {
    if (const auto added = add_to(*streams[i], event, guessed_at); !added) return added.status();
  }
  return first;
}

// The time is put in terms of the wall clock of now, which the segment goes by: it may have been
// set since the guess, or found to be right.
void Commit::pack_guess(SegmentWriter& segment, Event event, Duration guessed_at) {
  event.time = Timestamp(guessed_at + now_.wall_offset);
  segment.add(event, !now_.is_wall_trusted);
  has_guesses_ = has_guesses_ || !now_.is_wall_trusted;
}

Result<std::uint64_t> Commit::add_to(StreamLog& stream, const Event& event,
                                     std::optional<Duration> guessed_at) {
  Part& part = part_of(stream);
  const bool is_large = event.data.size() > kLargeEventBytes;
  if (is_large) {
    if (Status status = write_segment(part); !status.is_ok()) return status;
  }
  if (part.segment == nullptr) {
    Moment moment{now_.life, std::nullopt};
    if (!now_.is_wall_trusted) moment.wall_offset = now_.wall_offset;
    part.segment = std::make_unique<SegmentWriter>(moment);
  }
  if (guessed_at) {
    pack_guess(*part.segment, event, *guessed_at);
  } else {
    part.segment->add(event);
  }
  ++events_;
  const std::uint64_t sequence = part.next++;
  if (part.max_per_key != 0 && !event.key.empty()) part.keyed.push_back({event.key, sequence});
  if (is_large || part.segment->is_full()) {
    if (Status status = write_segment(part); !status.is_ok()) return status;
  }
  return sequence;
}

Result<Commit::Mark> Commit::mark() {
  Mark mark;
  mark.events = events_;
  for (Part& part : parts_) {
    if (Status status = write_segment(part); !status.is_ok()) return status;
    mark.stands.push_back(
        {part.next, part.stream->added(), part.claimed_events, part.claimed_bytes});
  }
  return mark;
}

void Commit::back_to(const Mark& mark) {
  events_ = mark.events;
  for (std::size_t i = 0; i < parts_.size(); ++i) {  // parts are only ever added
    Part& part = parts_[i];
    Mark::Stand stand{.next = part.first, .added = {}};
    if (i < mark.stands.size()) stand = mark.stands[i];
    part.segment.reset();
    part.next = stand.next;
    std::erase_if(part.keyed, [&](const Keyed& event) { return event.sequence >= part.next; });
    part.written = part.next > part.first ? part.next - 1 : 0;
    part.stream->set_added(stand.added);
    part.stream->release(part.claimed_events - stand.claimed_events,
                         part.claimed_bytes - stand.claimed_bytes);
    part.claimed_events = stand.claimed_events;
    part.claimed_bytes = stand.claimed_bytes;
  }
}

Status Commit::finish() {
  for (Part& part : parts_) {
    if (Status status = write_segment(part); !status.is_ok()) return status;
    if (Status status = check_written(part); !status.is_ok()) return status;
    if (!part.keyed.empty()) {
      Status status = latest_.note(connection_, part.stream->id(), part.max_per_key, part.keyed,
                                   part.stream->trimmed());
      if (!status.is_ok()) return status;
    }
    if (!part.stream->needs_books(part.next, now_.life)) continue;
    if (Status status = part.stream->write_books(connection_, latest_, part.next, now_.life);
        !status.is_ok()) {
      return status;
    }
  }
  if (Status status = transaction_.commit(); !status.is_ok()) return status;
  is_finished_ = true;
  for (const Part& part : parts_)
    part.stream->committed(part.next, now_.life);
  return {};
}

std::vector<StreamLog*> Commit::grown_streams() const {
  std::vector<StreamLog*> streams;
  for (const Part& part : parts_) {
    if (part.next > part.first) streams.push_back(part.stream);
  }
  return streams;
}

Status CommitQueue::refuse_leader() {
  const std::lock_guard lock(mutex_);
  if (!is_led_ || leader_ != std::this_thread::get_id()) return {};
  return {Code::wrong_state, "already inside transact() on this thread: use its Transaction"};
}

Result<std::vector<CommitQueue::Request*>> CommitQueue::enter(Request& request) {
  if (Status status = refuse_leader(); !status.is_ok()) return status;
  std::unique_lock lock(mutex_);
  waiting_.push_back(&request);
  changed_.wait(lock,
                [&] { return request.is_done || (!is_led_ && waiting_.front() == &request); });
  std::vector<Request*> group;
  if (request.is_done) return group;
  is_led_ = true;
  leader_ = std::this_thread::get_id();
  std::size_t bytes = 0;
  for (Request* next : waiting_) {
    bytes += next->bytes;
    if (!group.empty() && (next->is_alone || bytes > group_bytes_max_)) break;
    group.push_back(next);
    if (next->is_alone) break;
  }
  return group;
}

void CommitQueue::leave(const std::vector<Request*>& group, const Status& outcome) {
  {
    const std::lock_guard lock(mutex_);
    for (Request* request : group) {
      EDGEPOST_ASSERT(waiting_.front() == request);
      waiting_.pop_front();
      if (request->status.is_ok()) request->status = outcome;
      request->is_done = true;
    }
    is_led_ = false;
    leader_ = {};
  }
  changed_.notify_all();
}

}  // namespace edgepost::store
