// What the store knows of time: the life clock, and the wall clock on it.
#include <algorithm>

#include "store/store.hpp"

namespace edgepost::store {
namespace {

// The life of the newest or the oldest segment of `stream`. One that is damaged, or not there,
// tells nothing; whoever reads it will say so.
Result<std::optional<Duration>> segment_life(Connection& connection, std::uint32_t stream,
                                             bool is_newest) {
  Result<Statement> select = connection.prepare(
      "SELECT last_seq, count, data FROM " + segment_table_name(stream) +
      " WHERE last_seq > 0 ORDER BY last_seq " + (is_newest ? "DESC" : "ASC") + " LIMIT 1");
  if (!select) return select.status();
  const Result<bool> row = connection.step(*select);
  if (!row) return row.status();
  auto segment = SegmentReader::open(std::string(*row ? select->bytes(2) : ""), stream,
                                     select->integer(0), select->integer(1));
  if (!segment) return std::optional<Duration>();
  const Duration packed = segment->moment().life;
  if (is_newest || !segment->has_next()) return std::optional(packed);
  // Where compaction has put segments together the first event is older than its segment.
  const Result<Stored> first = segment->next();
  return std::optional(first ? std::min(packed, first->life) : packed);
}

}  // namespace

Status Store::open_clocks() {
  if (Status status = anchors_.load(*reader_); !status.is_ok()) return status;
  Duration newest = anchors_.newest();
  for (const auto& stream : streams_) {
    const auto life = segment_life(*reader_, stream->id(), true);
    if (!life) return life.status();
    newest = std::max({newest, stream->stored_books().life, life->value_or(newest)});
  }
  std::optional<LifeClock::Mark> mark;
  if (found_stamp_) mark = {found_stamp_->lived, found_stamp_->boot};
  life_.emplace(*options_.platform.clock, newest, mark);
  is_wall_trusted_ = options_.platform.clock->wall_is_trusted();
  return {};
}

TimeNow Store::time_now() {
  const Clock& clock = *options_.platform.clock;
  const Duration life = life_now();
  is_wall_trusted_ = clock.wall_is_trusted();
  return {life, clock.wall().time_since_epoch() - life, is_wall_trusted_};
}

Status Store::write_anchor(const TimeNow& now, bool has_guesses) {
  if (!anchors_.must_write(now, has_guesses)) return {};
  // Dead letters are from any time.
  const auto dead = writer_->integer("SELECT EXISTS (SELECT 1 FROM edgepost_dead)");
  if (!dead) return dead.status();
  Duration oldest = *dead == 0 ? now.life : Duration::zero();
  const std::lock_guard lock(streams_mutex_);
  for (const auto& stream : streams_) {
    const auto life = segment_life(*writer_, stream->id(), false);
    if (!life) return life.status();
    oldest = std::min(oldest, life->value_or(oldest));
  }
  return anchors_.write(*writer_, now, oldest);
}

}  // namespace edgepost::store
