#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "edgepost/dead_letter.hpp"
#include "edgepost/status.hpp"
#include "store/anchors.hpp"
#include "store/connection.hpp"

namespace edgepost::store {

/// How many there are of each stream, consumer and reason. Errors: not_found (stream).
Result<std::vector<DeadLetterGroup>> dead_letter_groups(Connection& connection,
                                                        const DeadLetterQuery& query);

/// A walk over the dead letters that a query means, by name of the stream, sequence and consumer.
/// It keeps its place between transactions, so that no work on many of them needs a long one.
class DeadWalk {
 public:
  /// Errors: not_found (stream); io_error.
  static Result<DeadWalk> begin(Connection& connection, const DeadLetterQuery& query);

  /// Appends the next ones to `letters`, `count` at most, with their times corrected. Those that
  /// cannot be read are left out; the last of them is what damage() says.
  Status list(Connection& connection, const Anchors& anchors, std::size_t count,
              std::vector<DeadLetter>& letters);

  /// Requeues the next ones, `count` at most, inside a write transaction; returns how many. Those
  /// that cannot be read stay where they are.
  Result<std::uint64_t> requeue(Connection& connection, std::size_t count);

  /// Deletes the next ones, `count` at most, inside a write transaction; returns how many.
  Result<std::uint64_t> purge(Connection& connection, std::size_t count);

  /// Counts all that are left.
  Result<std::vector<DeadLetterGroup>> count(Connection& connection);

  /// True when there are no more.
  [[nodiscard]] bool is_over() const { return stream_ == streams_.size(); }

  /// corrupt, naming stream and sequence of one that could not be read; ok when there was none.
  [[nodiscard]] const Status& damage() const { return damage_; }

 private:
  struct Stream {
    std::uint32_t id;
    std::string name;
  };
  struct Row;
  explicit DeadWalk(const DeadLetterQuery& query);
  Status next(Connection& connection, std::size_t count, std::vector<Row>& rows);
  Result<Stored> read(Connection& connection, const Row& row);
  void skip_range();

  DeadLetterQuery query_;  // sequences ascending
  std::vector<Stream> streams_;
  std::size_t stream_ = 0;
  std::size_t sequence_ = 0;  // of those asked for
  std::uint64_t last_sequence_ = 0;
  std::string last_consumer_;
  Status damage_;
};

}  // namespace edgepost::store
