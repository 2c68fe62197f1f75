#include "store/anchors.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "base/bytes.hpp"
#include "base/crc32c.hpp"

namespace edgepost::store {
namespace {

std::uint64_t checksum(Duration life, std::optional<Duration> wall_offset) {
  std::string text;
  ByteWriter writer(text);
  writer.signed_varint(life.count());
  if (wall_offset) writer.signed_varint(wall_offset->count());
  return crc32c(text);
}

}  // namespace

Status Anchors::load(Connection& connection) {
  Result<Statement> select = connection.prepare(
      "SELECT life, wall_offset IS NULL, wall_offset, checksum"
      " FROM edgepost_clock ORDER BY life");
  if (!select) return select.status();
  std::vector<Anchor> anchors;
  while (true) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    Anchor anchor{Duration(static_cast<std::int64_t>(select->integer(0))), std::nullopt};
    if (select->integer(1) == 0) {
      anchor.wall_offset = Duration(static_cast<std::int64_t>(select->integer(2)));
    }
    if (select->integer(3) == checksum(anchor.life, anchor.wall_offset)) anchors.push_back(anchor);
  }
  take(std::move(anchors));
  return {};
}

void Anchors::take(std::vector<Anchor> anchors) {
  const std::lock_guard lock(mutex_);
  anchors_ = std::move(anchors);
  is_wanted_ = !anchors_.empty() && !anchors_.back().wall_offset;
}

Duration Anchors::newest() const {
  const std::lock_guard lock(mutex_);
  // Segments know their life in whole milliseconds: the next one must be behind the anchor.
  constexpr Duration kStep = std::chrono::milliseconds(1);
  return anchors_.empty() ? Duration::zero() : anchors_.back().life + kStep;
}

void Anchors::correct(Stored& stored) const {
  if (!stored.wall_offset || !stored.event.time) return;
  const std::lock_guard lock(mutex_);
  const auto anchor =
      std::lower_bound(anchors_.begin(), anchors_.end(), stored.life,
                       [](const Anchor& known, Duration life) { return known.life < life; });
  if (anchor == anchors_.end() || !anchor->wall_offset) return;
  *stored.event.time += *anchor->wall_offset - *stored.wall_offset;
  stored.wall_offset.reset();
}

Status Anchors::write(Connection& connection, const TimeNow& now, Duration oldest) {
  std::vector<Anchor> anchors;
  {
    const std::lock_guard lock(mutex_);
    anchors = anchors_;
  }
  std::erase_if(anchors,
                [&](const Anchor& anchor) { return !anchor.wall_offset || anchor.life < oldest; });
  Anchor added{now.life, std::nullopt};
  if (now.is_wall_trusted) added.wall_offset = now.wall_offset;
  if (!anchors.empty()) added.life = std::max(added.life, anchors.back().life + Duration(1));
  Result<Statement> remove =
      connection.prepare("DELETE FROM edgepost_clock WHERE wall_offset IS NULL OR life < ?1");
  if (!remove) return remove.status();
  remove->bind(1, std::int64_t{oldest.count()});
  if (const auto done = connection.step(*remove); !done) return done.status();
  Result<Statement> insert = connection.prepare("INSERT INTO edgepost_clock VALUES (?1, ?2, ?3)");
  if (!insert) return insert.status();
  insert->bind(1, std::int64_t{added.life.count()});
  if (added.wall_offset) insert->bind(2, std::int64_t{added.wall_offset->count()});
  insert->bind(3, checksum(added.life, added.wall_offset));
  if (const auto done = connection.step(*insert); !done) return done.status();
  anchors.push_back(added);
  written_ = std::move(anchors);
  return {};
}

void Anchors::committed() {
  if (!written_) return;
  take(std::move(*written_));
  written_.reset();
}

}  // namespace edgepost::store
