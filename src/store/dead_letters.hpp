#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "edgepost/dead_letter.hpp"
#include "edgepost/event.hpp"
#include "edgepost/status.hpp"
#include "store/connection.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// Which dead letter: one event and the consumer that could not deliver it.
struct DeadPlace {
  std::uint32_t stream = 0;
  std::string_view consumer;
  std::uint64_t sequence = 0;
};

// Everything below works on edgepost_dead, edgepost_dead_group and the counters in edgepost_stream.
// What changes something is called inside a write transaction and keeps all three in step; after a
// failure that transaction must be rolled back.

/// Sets an event aside. `is_counted`: the stream's books count it as dead in the same transaction.
/// Doing it twice changes nothing. `moment`: of the event, see Stored; its time may be a guess.
/// Requires: the event's sequence is `letter.event.sequence`.
Status insert_dead(Connection& connection, std::uint32_t stream, const DeadLetter& letter,
                   bool is_counted, const Moment& moment);

/// Sets a requeued dead letter aside again, with the tries it took since. Does nothing when an
/// operator has purged it meanwhile.
Status bury_again(Connection& connection, const DeadPlace& place, unsigned attempts,
                  std::string_view last_error);

/// Deletes a requeued dead letter: it was delivered. Does nothing when it is not there any more.
Status delete_redelivered(Connection& connection, const DeadPlace& place);

/// The oldest `events` requeued ones behind `after.sequence`. Damaged ones are left out.
Result<std::vector<Stored>> requeued_events(Connection& connection, const DeadPlace& after,
                                            std::size_t events);

/// Errors: not_found when there is no such stream.
Result<DeadCounters> dead_counters(Connection& connection, std::uint32_t stream);

/// The event of one row. Errors: corrupt, without saying where.
Result<Stored> unpack_dead(std::string_view data, std::uint32_t stream, std::uint64_t sequence);

/// By how much the figures of a group and of its stream change.
struct DeadChange {
  std::int64_t dead = 0;
  std::int64_t requeued = 0;
  std::int64_t counted_requeued = 0;  ///< Of those that the books count.
  std::int64_t redelivered = 0;       ///< Of those that the books count.
  std::int64_t purged = 0;            ///< Of those that the books count.
};

/// Collects what a transaction does to rows; at its end groups and counters follow.
class DeadChanges {
 public:
  DeadChange& of(std::uint32_t stream, std::string_view consumer, std::string_view reason) {
    return groups_[{stream, std::string(consumer), std::string(reason)}];
  }

  /// Brings groups and counters up to date. Groups that have nothing any more are deleted.
  Status write(Connection& connection) const;

 private:
  using Name = std::tuple<std::uint32_t, std::string, std::string>;
  std::map<Name, DeadChange> groups_;
};

}  // namespace edgepost::store
