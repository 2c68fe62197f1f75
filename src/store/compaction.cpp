#include "store/compaction.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/schema.hpp"
#include "store/segment.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {
namespace {

// One step reads about so much, so that the commit that it is part of does not take long.
constexpr std::size_t kStepBytes = 256 * 1024;
constexpr std::uint64_t kStepSegments = 256;

// Segments that stand next to each other, and what is to be kept of them.
struct Group {
  std::uint64_t last = 0;
  std::uint64_t count = 0;  // of sequences
  std::uint64_t segments = 0;
  std::uint64_t bytes = 0;
  std::uint64_t kept_bytes = 0;  // about
  std::uint64_t dropped = 0;
  Duration oldest = Duration::max();
  Duration newest = Duration::zero();
  std::vector<Stored> kept;
};

class Compaction {
 public:
  Compaction(Connection& connection, const CompactionPlan& plan)
      : connection_(connection), plan_(plan), table_(segment_table_name(plan.stream)) {}

  Result<Compacted> run();

 private:
  Result<std::optional<Group>> read(const Statement& row) const;
  [[nodiscard]] bool fits(const Group& group, const Group& next) const;
  Result<Group> gather(Statement& select, std::uint64_t after);
  Status repack(const Group& group);

  Connection& connection_;
  const CompactionPlan& plan_;
  const std::string table_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t read_segments_ = 0;
  bool is_at_end_ = false;
  Compacted done_;
};

// One segment (last_seq, bytes, count, data) as a group; none when it is to stay as it is.
Result<std::optional<Group>> Compaction::read(const Statement& row) const {
  Group group;
  group.last = row.integer(0);
  group.bytes = row.bytes(3).size();
  group.count = row.integer(2);
  group.segments = 1;
  auto segment =
      SegmentReader::open(std::string(row.bytes(3)), plan_.stream, group.last, group.count);
  if (!segment || segment->is_lost()) return std::optional<Group>();
  group.newest = segment->moment().life;
  while (segment->has_next()) {
    Result<Stored> stored = segment->next();
    if (!stored) return std::optional<Group>();
    const Result<bool> is_replaced = plan_.is_replaced(stored->event);
    if (!is_replaced) return is_replaced.status();
    if (*is_replaced) {
      ++group.dropped;
      continue;
    }
    group.oldest = std::min(group.oldest, stored->life);
    group.kept.push_back(std::move(*stored));
  }
  group.kept_bytes = group.bytes * group.kept.size() /
                     std::max<std::uint64_t>(group.kept.size() + group.dropped, 1);
  return std::optional<Group>(std::move(group));
}

bool Compaction::fits(const Group& group, const Group& next) const {
  const Duration oldest = std::min(group.oldest, next.oldest);
  const Duration newest = std::max(group.newest, next.newest);
  return next.last - next.count == group.last &&
         group.kept_bytes + next.kept_bytes <= kSegmentBytes &&
         (oldest >= newest || newest - oldest <= plan_.merge_span);
}

// The next group behind `after`; one of no segments ends at a segment that stays as it is.
Result<Group> Compaction::gather(Statement& statement, std::uint64_t after) {
  Group group;
  group.last = after;
  StatementUse select(statement);
  select->bind(1, after);
  select->bind(2, plan_.before);
  while (read_bytes_ < kStepBytes && read_segments_ < kStepSegments) {
    const Result<bool> row = connection_.step(statement);
    if (!row && row.status().code() != Code::corrupt) return row.status();
    is_at_end_ = !row || !*row;
    if (is_at_end_) return group;
    Result<std::optional<Group>> next = read(statement);
    if (!next) return next.status();
    if (group.segments > 0 && (!next->has_value() || !fits(group, **next))) return group;
    ++read_segments_;
    read_bytes_ += static_cast<std::uint64_t>(select->bytes(3).size());
    if (!next->has_value()) {
      group.last = select->integer(0);
      return group;
    }
    if (group.segments == 0) {
      group = std::move(**next);
      continue;
    }
    group.last = (*next)->last;
    group.count += (*next)->count;
    group.segments += 1;
    group.bytes += (*next)->bytes;
    group.kept_bytes += (*next)->kept_bytes;
    group.dropped += (*next)->dropped;
    group.oldest = std::min(group.oldest, (*next)->oldest);
    group.newest = std::max(group.newest, (*next)->newest);
    std::move((*next)->kept.begin(), (*next)->kept.end(), std::back_inserter(group.kept));
  }
  return group;
}

// The segment is as old as the youngest that was in it: age must not drop that one too early.
Status Compaction::repack(const Group& group) {
  if (group.segments < 2 && group.dropped == 0) return {};
  std::uint64_t expected = group.last - group.count + 1;
  const std::uint64_t end = group.kept.empty() ? expected - 1 : group.kept.back().event.sequence;
  SegmentWriter segment(Moment{.life = group.newest, .wall_offset = {}}, group.last - end);
  for (const Stored& stored : group.kept) {
    segment.skip(stored.event.sequence - expected);
    segment.carry(stored);
    expected = stored.event.sequence + 1;
  }
  segment.finish(plan_.stream, group.last);
  const std::uint64_t bytes = segment.bytes().size();
  if (bytes >= group.bytes) return {};
  Result<Statement> remove =
      connection_.prepare("DELETE FROM " + table_ + " WHERE last_seq BETWEEN ?1 AND ?2");
  if (!remove) return remove.status();
  remove->bind(1, group.last - group.count + 1);
  remove->bind(2, group.last);
  if (const auto done = connection_.step(*remove); !done) return done.status();
  Result<Statement> insert =
      connection_.prepare("INSERT INTO " + table_ + " VALUES (?1, ?2, ?3, ?4)");
  if (!insert) return insert.status();
  insert->bind(1, group.last);
  insert->bind(2, group.count);
  insert->bind(3, bytes);
  insert->bind_blob(4, segment.bytes());
  done_.freed_bytes += group.bytes - bytes;
  return connection_.step(*insert).status();
}

Result<Compacted> Compaction::run() {
  Result<Statement> select =
      connection_.prepare("SELECT last_seq, bytes, count, data FROM " + table_ +
                          " WHERE last_seq > ?1 AND last_seq < ?2 ORDER BY last_seq");
  if (!select) return select.status();
  done_.position = plan_.after;
  while (!is_at_end_ && read_bytes_ < kStepBytes && read_segments_ < kStepSegments) {
    const Result<Group> group = gather(*select, done_.position);
    if (!group) return group.status();
    if (Status status = repack(*group); !status.is_ok()) return status;
    done_.position = group->last;
  }
  if (is_at_end_) done_.position = 0;
  return done_;
}

}  // namespace

Result<Compacted> compact_some(Connection& connection, const CompactionPlan& plan) {
  return Compaction(connection, plan).run();
}

Status StreamLog::compact(Connection& connection, Latest& latest, std::uint64_t next_sequence) {
  CompactionPlan plan{.stream = id_, .is_replaced = {}};
  {
    const std::lock_guard lock(mutex_);
    if (!is_compaction_due()) return {};
    plan.after = std::max(compacted_to_, books_.trimmed);
    if (options_.max_age != Duration::zero()) plan.merge_span = options_.max_age / 16;
  }
  const Result<std::uint64_t> newest = this->newest(connection);
  if (!newest) return newest.status();
  plan.before = std::min(*newest, next_sequence - 1);
  const auto all = cursors();
  plan.is_replaced = [&](const Event& event) -> Result<bool> {
    const std::uint64_t sequence = event.sequence;
    const Result<bool> is_replaced =
        latest.is_replaced(connection, id_, max_per_key_, event.key, sequence);
    if (!is_replaced || !*is_replaced) return is_replaced;
    // One in flight is finished as usual: it may have to become a dead letter.
    return std::none_of(all.begin(), all.end(), [sequence](const auto& cursor) {
      return cursor->may_be_in_flight(sequence);
    });
  };
  const Result<Compacted> done = compact_some(connection, plan);
  if (!done) return done.status();
  const std::lock_guard lock(mutex_);
  compacted_ = *done;
  return {};
}

}  // namespace edgepost::store
