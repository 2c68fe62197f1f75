#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/bus.hpp"
#include "edgepost/consumer.hpp"
#include "edgepost/dead_letter.hpp"
#include "edgepost/event.hpp"
#include "edgepost/gateway_options.hpp"
#include "edgepost/gateway_status.hpp"
#include "edgepost/status.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/subscriber.hpp"
#include "edgepost/transaction.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// One gateway: a bus, durable streams in one SQLite file, and the uplinks that drain them.
/// An event that is published is first stored (or buffered) in every stream whose route matches,
/// then handed to the subscribers on the bus. Several gateways may live in one process.
/// Threads: every method may be called from any thread at once, except where it says otherwise.
class Gateway {
 public:
  /// Opens the database, creating or migrating it.
  /// After failure: nothing of an existing database was changed.
  /// Blocks: for disk reads. Durable: the identity of a new database.
  /// Errors: invalid_argument (option named, or another program's database); busy (another owner,
  /// its pid named); corrupt (not a database, or damaged); unsupported (made by a newer edgepost);
  /// io_error (directory unwritable); full (disk). With Access::read also not_found (no file, or an
  /// empty one) and wrong_state (made by an older edgepost: open it as owner once).
  static Result<std::unique_ptr<Gateway>> open(const GatewayOptions& options);

  /// Reads the whole database as verify() does, and when anything is wrong makes a new one of what
  /// can be read, as open() does with damage that it meets; the old one is kept as evidence. Says
  /// what was found; nothing, when everything is sound. Needs room for the evidence.
  /// After failure: to be tried again. Durable: when it returns. Blocks: for as long as that takes.
  /// Errors: those of open(); not_found (no file). Requires: Access::own.
  static Result<DamageReport> repair(const GatewayOptions& options);

  /// Stops, stores what is buffered and closes.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Creates a stream; when one of that name exists, nothing changes, whatever its options are:
  /// status() has them, change_stream() changes them.
  /// Durable: when it returns. Errors: invalid_argument, naming the position; full; io_error;
  /// wrong_state (read-only, or inside transact).
  Status create_stream(const StreamOptions& options);

  /// Gives an existing stream new limits, filters and priority. What the new limits forbid is
  /// dropped at once, or refused from now on, as `discard` says.
  /// Durable: when it returns. Errors: as create_stream; not_found; invalid_argument when
  /// `retention` is not the stream's own.
  Status change_stream(const StreamOptions& options);

  /// Deletes a stream with its events, consumers and dead letters.
  /// Durable: when it returns. Errors: not_found; busy (an open consumer, uplink or subscriber is
  /// named); full; io_error; wrong_state (not the owner, or inside transact).
  Status delete_stream(std::string_view name);

  /// Removes a consumer: events wait for it no longer. Its dead letters stay.
  /// Durable: when it returns. Errors: not_found; busy (open); full; io_error; wrong_state.
  Status delete_consumer(std::string_view stream, std::string_view name);

  /// Stores every event whose topic matches `filter` in `stream`, from now on, as far as `options`
  /// say. Routes live in memory: set them at each start. An event goes into a stream once, however
  /// many routes match.
  /// Errors: invalid_argument (filter, with position; option named); not_found (unknown stream).
  Status route(std::string_view filter, std::string_view stream, const RouteOptions& options = {});

  /// A handler that stores what it gets in `stream` as Durability::buffered, and does nothing else:
  /// for Overflow::spill of a subscription.
  /// Must outlive: this gateway the handler. Errors: not_found (unknown stream).
  Result<Handler> spill(std::string_view stream);

  /// Completes (id, time, source, type), checks, stores and hands out one event.
  /// Blocks: Durability::stored: until the disk has it; concurrent publishers share one sync.
  /// Durable: as `durability` says, unless a route says otherwise.
  /// After failure: the event is in no stream and no subscriber heard it. One exception: when the
  /// sync itself failed (io_error) and the process dies before the next commit, the event may be
  /// there afterwards, as with every database.
  /// Errors: invalid_argument (field and position named); not_found (no route takes the topic:
  /// use bus() for events nobody stores); full (disk); io_error; busy (another program holds a lock
  /// on the file for seconds); wrong_state (read-only, or called inside transact() on the same
  /// thread: use the transaction's publish).
  Result<Receipt> publish(Event event, Durability durability = Durability::stored);

  /// Runs `work` in a transaction: its SQL and its events commit together when it returns ok and
  /// are rolled back when it fails. Subscribers hear the events after the commit.
  /// Requires: `work` throws nothing.
  /// Blocks: other publishers wait meanwhile: be brief. Durable: when it returns ok.
  /// Errors: what `work` returned; invalid_argument (no function); full, io_error, busy from the
  /// commit; wrong_state (read-only, nested, or the caller's SQL ended the transaction).
  Status transact(const std::function<Status(Transaction&)>& work);

  /// Subscribes on the bus, inline; see Bus::subscribe, also for the errors.
  Result<Subscription> subscribe(std::string_view filter, Handler handler);

  /// The bus, for events that need no store, and for all its ways to subscribe. Its queues run
  /// while the gateway is started, and in step().
  [[nodiscard]] Bus& bus();

  /// Opens a consumer of `stream`, creating it at `options.from` when it is new. Events before that
  /// stay for others: no consumer settles what none was ever to get.
  /// Durable: a new consumer, when it returns.
  /// Errors: invalid_argument (option named); not_found (stream); busy (already open in this
  /// gateway); already_exists (a work_queue has another one); full; io_error; wrong_state (not the
  /// owner, or inside transact).
  Result<Consumer> consumer(std::string_view stream, const ConsumerOptions& options);

  /// Adds a durable local subscription: `handler` gets the events of a stream when the gateway is
  /// started or stepped, one for each subscription in a step.
  /// Requires: `handler` throws nothing.
  /// Errors: invalid_argument (option named); not_found (stream); already_exists (name);
  /// wrong_state (started, or not the owner); full, io_error (its consumer cannot be stored).
  Status add_subscriber(const SubscriberOptions& options, DurableHandler handler);

  /// Dead letters, by stream and sequence; at most `limit`. Works in every access mode.
  /// Errors: not_found (stream); corrupt; io_error.
  Result<std::vector<DeadLetter>> dead_letters(const DeadLetterQuery& query,
                                               std::size_t limit = 100);

  /// How many dead letters there are of each stream, consumer and reason.
  /// Errors: as dead_letters.
  Result<std::vector<DeadLetterGroup>> dead_letter_groups(const DeadLetterQuery& query = {});

  /// Gives dead letters back to their consumers, with their ids and sequences: they come before
  /// newer events of their key that are not in flight yet. Returns how many. A running owner
  /// notices within a second. Durable: when it returns. Errors: not_found (stream); wrong_state
  /// (Access::read, or inside transact); full; io_error; busy.
  Result<std::uint64_t> requeue(const DeadLetterQuery& query);

  /// Deletes dead letters; they count as dropped (`purged`). Returns how many.
  /// Durable: when it returns. Errors: as requeue.
  Result<std::uint64_t> purge(const DeadLetterQuery& query);

  /// Reads events without consuming them; works in every access mode.
  /// Errors: not_found (stream); corrupt, naming stream and sequence; io_error.
  Result<std::vector<Event>> read(std::string_view stream, Position from,
                                  const ReadLimits& limits = {});

  /// Adds an upstream. It connects when the gateway is started or stepped. Its streams and its
  /// inbox must exist.
  /// Owns: takes `transport`.
  /// Errors: invalid_argument (option named); not_found (stream); already_exists (name);
  /// wrong_state (started, read-only); full, io_error (its consumers cannot be stored).
  Status add_uplink(const UplinkOptions& options, std::unique_ptr<Transport> transport);

  /// The same with several endpoints, in order of preference; see Failover.
  Status add_uplink(const UplinkOptions& options, std::vector<Endpoint> endpoints);

  /// The newest calls of all uplinks to the world outside, oldest first; the ring has room for
  /// GatewayOptions::audit_rows. What changes is told on the bus:
  /// `edgepost/link/<uplink>/<what>`, see docs/operations.md.
  [[nodiscard]] std::vector<AuditEntry> audit() const;

  /// Everything that can be counted, as Prometheus text (exposition format 0.0.4), for a scraper or
  /// a file. No secret, no payload.
  [[nodiscard]] std::string metrics() const;

  /// Lets a blocked uplink try again, after credentials or configuration were changed.
  /// Errors: not_found (name).
  Status retry_uplink(std::string_view name);

  /// Runs on threads of its own: one for the store, one for each uplink, `workers` for each durable
  /// subscription, and those of the bus's queues.
  /// Errors: wrong_state (already started, or read-only); io_error (no thread to be had).
  Status start();

  /// Stops: waits up to `patience` (at most 24 h) for answers of events in flight, disconnects,
  /// stores acknowledgements and buffered events. Does nothing when not started. A failure to store
  /// is logged; flush() would return it.
  /// Blocks: for handlers of durable subscriptions and of queues that run, then for `patience`, a
  /// host name look-up in progress, and one commit.
  void stop(Duration patience = std::chrono::seconds(2));

  /// Does what is due at `now` without any thread, and returns when to call again at the latest.
  /// For main loops of the caller's own, and for simulators.
  /// Requires: not started; `now` never goes back; one thread at a time.
  /// Blocks: for commits, and up to `wait` for the network when uplinks have nothing else to do.
  Instant step(Instant now, Duration wait = Duration::zero());

  /// Stores everything published before, and every acknowledgement.
  /// Durable: when it returns ok. Errors: full; io_error; busy; they leave the events buffered.
  /// wrong_state (read-only, or inside transact).
  Status flush();

  /// Gives the free pages of the file and its log back to the file system; how many bytes that
  /// were. Never needed: new events go into free pages first. For a file that one long outage has
  /// made large. Writes what is in use three times (a temporary file, the log, the file), and
  /// nothing but the log when no page is free. Tables of your own that have no INTEGER PRIMARY KEY
  /// may get new rowids.
  /// Blocks: publishers for as long as that takes; consumers and readers go on.
  /// Durable: when it returns; a power cut meanwhile harms nothing.
  /// After failure: what the file had in use it still has.
  /// Errors: full (what is in use must fit on the disk, and in disk_bytes_max, a second time, and
  /// once in the directory for temporary files, which SQLITE_TMPDIR or TMPDIR names); io_error;
  /// busy (someone reads the log, and the room comes back with later commits, or writes);
  /// wrong_state (not the owner, inside transact, or the caller has temporary tables).
  Result<std::uint64_t> shrink();

  /// Everything at one instant.
  [[nodiscard]] GatewayStatus status() const;

  /// Reads the whole database and checks structure, checksums and books. Changes nothing.
  /// Blocks: for as long as reading everything takes.
  Result<VerifyReport> verify();

  /// What a gateway is made of; opaque to everyone else.
  struct Parts;

 private:
  explicit Gateway(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace edgepost
