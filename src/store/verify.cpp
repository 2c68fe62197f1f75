#include <algorithm>
#include <string>
#include <utility>

#include "store/store.hpp"

namespace edgepost::store {
namespace {

constexpr std::size_t kProblemsMax = 100;  // a ruined file has one in every row

// Collects problems, up to a number that a person can read.
class Findings {
 public:
  explicit Findings(VerifyReport& report) : report_(report) {}

  void add(std::string problem) {
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(std::move(problem));
  }

 private:
  VerifyReport& report_;
};

Status check_structure(Connection& connection, Findings& findings) {
  Result<Statement> check = connection.prepare("PRAGMA integrity_check(20)");
  if (!check) return check.status();
  while (true) {
    const Result<bool> row = connection.step(*check);
    if (!row) return row.status();
    if (!*row) return {};
    const std::string line(check->bytes(0));
    if (line != "ok") findings.add("structure: " + line);
  }
}

// Reads one segment whole; how many of the sequences it spans are not done yet. Events may be lost
// or replaced: then nothing is there any more, and they wait for somebody to pass over them.
std::uint64_t check_segment(Statement& row, const StreamLog& stream, std::uint64_t done,
                            VerifyReport& report, Findings& findings) {
  const std::uint64_t last = row.integer(0);
  const std::uint64_t count = row.integer(1);
  const std::string where =
      "stream " + stream.name() + ", segment up to sequence " + std::to_string(last) + ": ";
  Result<SegmentReader> segment =
      SegmentReader::open(std::string(row.bytes(2)), stream.id(), last, count);
  if (!segment) {
    findings.add(where + segment.status().message());
    return 0;
  }
  if (segment->is_lost()) report.events_lost += count;
  for (; segment->has_next(); ++report.events) {
    const Result<Stored> stored = segment->next();
    if (!stored) {
      findings.add(where + stored.status().message());
      return 0;
    }
  }
  return std::min(count, last - std::min(done, last));
}

Status check_stream(Connection& connection, const StreamLog& stream, VerifyReport& report,
                    Findings& findings) {
  const StreamStatus status = stream.status();
  const std::string name = "stream " + status.name + ": ";
  Result<Statement> select =
      connection.prepare("SELECT last_seq, count, data FROM edgepost_segment_" +
                         std::to_string(stream.id()) + " WHERE last_seq > 0 ORDER BY last_seq");
  if (!select) return select.status();
  const Books stored = stream.stored_books();
  std::uint64_t pending = 0;
  std::uint64_t expected = 0;  // 0: the first segment may begin anywhere up to the first kept
  while (true) {
    const Result<bool> row = connection.step(*select);
    if (!row) return row.status();
    if (!*row) break;
    const std::uint64_t first = select->integer(0) - select->integer(1) + 1;
    if (expected == 0 ? first > status.first_sequence : first != expected) {
      findings.add(name + "events are missing before sequence " + std::to_string(first));
    }
    expected = select->integer(0) + 1;
    pending += check_segment(*select, stream, stored.done, report, findings);
  }
  const Ledger& books = status.ledger;
  // Dead letters whose place no floor has passed are in the segments as well.
  const std::uint64_t kept = books.pending + stored.dead_above.size();
  if (pending != kept) {
    findings.add(name + std::to_string(kept) + " events should be there, " +
                 std::to_string(pending) + " are");
  }
  if (books.published !=
      books.acknowledged + books.pending + books.expired + books.dropped.total() + books.dead) {
    findings.add(name + "the books do not balance");
  }
  for (const Floor& floor : stored.floors) {
    if (floor.floor >= status.next_sequence) {
      findings.add(name + "consumer number " + std::to_string(floor.consumer) +
                   " is ahead of the last event");
    }
  }
  return {};
}

Status check_dead_letters(Connection& connection, Findings& findings) {
  Result<Statement> letters = connection.prepare(
      "SELECT stream_id, sequence, data, consumer FROM edgepost_dead ORDER BY stream_id, sequence");
  if (!letters) return letters.status();
  while (true) {
    const Result<bool> row = connection.step(*letters);
    if (!row) return row.status();
    if (!*row) break;
    const auto stream = static_cast<std::uint32_t>(letters->integer(0));
    const std::uint64_t sequence = letters->integer(1);
    auto letter = SegmentReader::open(std::string(letters->bytes(2)), stream, sequence, 1);
    const Status readable = letter ? letter->next().status() : letter.status();
    if (readable.is_ok()) continue;
    findings.add("stream number " + std::to_string(stream) + ", dead letter of sequence " +
                 std::to_string(sequence) + ", consumer " + std::string(letters->bytes(3)) + ": " +
                 readable.message());
  }
  const Result<std::int64_t> wrong = connection.integer(
      "WITH counted AS (SELECT stream_id, consumer, reason, sum(NOT is_requeued) AS dead,"
      " sum(is_requeued) AS requeued FROM edgepost_dead GROUP BY 1, 2, 3)"
      " SELECT (SELECT count(*) FROM (SELECT * FROM counted EXCEPT"
      " SELECT stream_id, consumer, reason, dead, requeued FROM edgepost_dead_group))"
      " + (SELECT count(*) FROM (SELECT stream_id, consumer, reason, dead, requeued"
      " FROM edgepost_dead_group EXCEPT SELECT * FROM counted))");
  if (!wrong) return wrong.status();
  if (*wrong != 0) findings.add("dead letters: their groups do not count what is there");
  return {};
}

Status check_attempts(Connection& connection, Findings& findings) {
  const Result<std::int64_t> wrong = connection.integer(
      "SELECT count(*) FROM edgepost_attempt"
      " WHERE attempts < 1 OR consumer_id NOT IN (SELECT id FROM edgepost_consumer)");
  if (!wrong) return wrong.status();
  if (*wrong != 0) findings.add("attempts: " + std::to_string(*wrong) + " rows make no sense");
  return {};
}

// What an owner would find when it opens the database.
Status check_owner(Connection& connection, const std::optional<Stamp>& stamp, Findings& findings) {
  if (!stamp) return {};
  const Result<std::vector<Lost>> tails = find_lost_tails(connection, *stamp);
  if (tails.status().code() == Code::corrupt) findings.add(tails.status().message());
  if (!tails) return tails.status().code() == Code::corrupt ? Status() : tails.status();
  for (const Lost& tail : *tails) {
    findings.add("stream number " + std::to_string(tail.stream) + ": " +
                 std::to_string(tail.last - tail.first + 1) + " events from sequence " +
                 std::to_string(tail.first) + " on were stored and are missing");
  }
  return {};
}

}  // namespace

Result<VerifyReport> Store::verify() {
  VerifyReport report;
  Findings findings(report);
  Result<Connection> connection =
      Connection::open(options_.database, vfs(), Connection::Mode::read_only);
  if (!connection) return connection.status();
  // The stamp before the savepoint: it is never ahead of what is committed.
  const Result<Identity> identity = read_identity(*connection);
  std::optional<Stamp> stamp;
  if (identity) stamp = Owner::stamp(options_.database, vfs(), life_of(*identity));
  const Result<Files> files = Files::beside(options_.database, vfs());
  if (!files) return files.status();
  const Result<bool> is_begun = is_salvage_begun(*files);
  if (!is_begun) return is_begun.status();
  if (*is_begun) findings.add("its salvage was interrupted: who opens it as owner goes on");
  // One savepoint, so that everything is seen at the same instant beside a running gateway.
  if (Status status = connection->run("SAVEPOINT verify"); !status.is_ok()) return status;
  if (Status status = check_structure(*connection, findings); !status.is_ok()) return status;
  if (Status status = check_owner(*connection, stamp, findings); !status.is_ok()) return status;
  Result<Statement> names = connection->prepare("SELECT id, name FROM edgepost_stream ORDER BY id");
  if (!names) return names.status();
  if (Status status = check_dead_letters(*connection, findings); !status.is_ok()) {
    findings.add("dead letters: " + status.message());
  }
  if (Status status = check_attempts(*connection, findings); !status.is_ok()) {
    findings.add("attempts: " + status.message());
  }
  while (true) {
    const Result<bool> row = connection->step(*names);
    if (!row) return row.status();
    if (!*row) return report;
    const auto id = static_cast<std::uint32_t>(names->integer(0));
    StreamLog stream(id, {.name = std::string(names->bytes(1))});
    Status status = stream.load(*connection);
    if (status.is_ok()) status = check_stream(*connection, stream, report, findings);
    if (!status.is_ok()) findings.add(status.message());
  }
}

}  // namespace edgepost::store
