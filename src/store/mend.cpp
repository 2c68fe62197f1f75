#include "store/mend.hpp"

#include "store/schema.hpp"
#include "store/segment.hpp"

namespace edgepost::store {
namespace {

// The first sequence of the segment behind `last`; 0 when there is none.
Result<std::uint64_t> first_behind(Connection& connection, const std::string& table,
                                   std::uint64_t last) {
  Result<Statement> select = connection.prepare("SELECT last_seq - count + 1 FROM " + table +
                                                " WHERE last_seq > ?1 ORDER BY last_seq LIMIT 1");
  if (!select) return select.status();
  select->bind(1, last);
  const Result<bool> row = connection.step(*select);
  if (!row) return row.status();
  return *row ? select->integer(0) : std::uint64_t{0};
}

// A broken tree shows the wrong row for a sequence: what looks like one bad segment would be
// written over a good one. This reads the whole table, which damage is rare enough for.
Status check_tree(Connection& connection, const std::string& table) {
  Result<Statement> check = connection.prepare("PRAGMA quick_check(" + table + ")");
  if (!check) return check.status();
  const Result<bool> row = connection.step(*check);
  if (!row) return row.status();
  if (*row && check->bytes(0) == "ok") return {};
  return {Code::corrupt, "database " + connection.path() + ": table " + table +
                             " is damaged: it is mended when it is opened again"};
}

}  // namespace

Result<std::optional<BadSegment>> find_bad_segment(Connection& connection, std::uint32_t stream,
                                                   std::uint64_t sequence,
                                                   std::uint64_t next_sequence) {
  const std::string table = segment_table_name(stream);
  std::optional<BadSegment> bad;
  Result<Statement> select = connection.prepare(
      "SELECT last_seq, count, data, (SELECT max(last_seq) FROM " + table +
      " WHERE last_seq < ?1) FROM " + table + " WHERE last_seq >= ?1 ORDER BY last_seq LIMIT 1");
  if (!select) return select.status();
  select->bind(1, sequence);
  const Result<bool> row = connection.step(*select);
  if (!row) return row.status();
  if (!*row) return bad;
  const std::uint64_t last = select->integer(0);
  const std::uint64_t count = select->integer(1);
  const std::uint64_t previous = select->integer(3);
  std::string data(select->bytes(2));
  const auto segment = SegmentReader::open(data, stream, last, count);
  if (segment || segment.status().code() != Code::corrupt) return bad;
  if (Status status = check_tree(connection, table); !status.is_ok()) return status;
  // Its place may be what rotted: then it would hide what stands behind it.
  const Result<std::uint64_t> behind = first_behind(connection, table, last);
  if (!behind) return behind.status();
  const std::uint64_t next = *behind == 0 ? next_sequence : *behind;
  const bool is_confirmed = next == last + 1 || count == last - previous;
  if (last >= next_sequence || !is_confirmed) {
    return Status(Code::corrupt, "database " + connection.path() + ": table " + table +
                                     " is damaged: it is mended when it is opened again");
  }
  // The count may be what rotted; it is needed only where the segment before does not tell.
  const bool is_count_wanted = previous == 0 && count >= 1 && count <= last;
  const std::uint64_t first = is_count_wanted ? last - count + 1 : previous + 1;
  bad = BadSegment{{stream, first, last}, std::move(data)};
  return bad;
}

Result<std::string> keep_bad_segment(const Files& files, const BadSegment& segment) {
  const Lost& place = segment.place;
  const Result<std::string> unused = unused_evidence(files);
  if (!unused) return unused.status();
  std::string path = *unused + "-segment";
  const Status status =
      files.write(path, "edgepost segment of stream number " + std::to_string(place.stream) +
                            ", sequences " + std::to_string(place.first) + " to " +
                            std::to_string(place.last) + "\n" + segment.data);
  if (!status.is_ok()) return status;
  return path;
}

Status replace_bad_segment(Connection& connection, const BadSegment& segment) {
  const Lost& place = segment.place;
  const std::uint64_t count = place.last - place.first + 1;
  // Its bytes stay counted as they were: the books count by this column.
  Result<Statement> update = connection.prepare("UPDATE " + segment_table_name(place.stream) +
                                                " SET count = ?2, data = ?3 WHERE last_seq = ?1");
  if (!update) return update.status();
  const std::string data = lost_segment(place.stream, place.last, count);
  update->bind(1, place.last);
  update->bind(2, count);
  update->bind_blob(3, data);
  return connection.step(*update).status();
}

}  // namespace edgepost::store
