#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "edgepost/bus.hpp"
#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// What a gateway may do with its database.
enum class Access : unsigned char {
  own,   ///< Read and write; one owner at a time for each database.
  read,  ///< Look only; works beside an owner, changes nothing.
};

/// How to open a gateway.
struct GatewayOptions {
  std::string database;         ///< Path of the SQLite file; made if it is missing.
  std::string device_id;        ///< Empty: `gw-` and the start of the database's identity.
  std::string source;           ///< CloudEvents source of its events; empty: `/` and device id.
  Access access = Access::own;  ///< See Access.
  EventLimits limits;           ///< What publish accepts.
  Duration flush_interval = std::chrono::milliseconds(100);  ///< Age of a buffered event, at most.
  std::size_t buffer_bytes_max = 256 * 1024;     ///< Buffered events, at most; then publish stores.
  std::size_t group_bytes_max = 256 * 1024;      ///< One commit, at most (or one event).
  Duration ack_flush = std::chrono::seconds(1);  ///< Age of an unstored acknowledgement, at most.
  std::size_t ack_flush_events = 10'000;         ///< Their number, at most.
  Platform platform;                             ///< What the host replaces.
};

/// What publishing an event came to.
struct Receipt {
  EventId id;                  ///< The event's id.
  std::uint64_t sequence = 0;  ///< In the first stream that took it; 0 while only buffered.
};

/// A value for a `?` in SQL: null, integer, real or text. Text is copied.
using SqlValue = std::variant<std::monostate, std::int64_t, double, std::string_view>;

/// An open transaction on the gateway's database: the caller's own tables and the events it
/// publishes are stored together or not at all.
/// Threads: only the one that runs the transaction's function, and only while it runs.
class Transaction {
 public:
  /// Runs one SQL statement of the caller; result rows are dropped. Tables whose names begin with
  /// `edgepost_` belong to the library.
  /// Errors: invalid_argument with SQLite's message (syntax, constraint, number of values), also
  /// for more than one statement and for those that steer transactions; full; io_error;
  /// wrong_state when the statement made SQLite roll back (`OR ROLLBACK`). After any but
  /// invalid_argument the transaction can only fail.
  Status execute(std::string_view sql, std::initializer_list<SqlValue> values = {});

  /// Adds an event. It is stored, and subscribers hear it, only if the transaction commits.
  /// Errors: as Gateway::publish.
  Result<Receipt> publish(Event event);

  /// The `sqlite3*` of the open transaction, for queries. Never close it, begin, commit or roll
  /// back on it: the transaction then fails, and what SQLite has stored by then stays stored.
  /// Link `edgepost::sqlite3` for the matching header.
  [[nodiscard]] void* native_handle() const;

  /// What a transaction is inside; opaque to everyone else.
  struct Context;

  /// For the gateway only.
  explicit Transaction(Context& context) : context_(context) {}
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

 private:
  Context& context_;
};

/// What a gateway has cost its flash, since it was opened.
struct WriteStatus {
  std::uint64_t commits = 0;  ///< Transactions committed.
  std::uint64_t events = 0;   ///< Events stored by them.
};

/// A gateway at one instant.
struct GatewayStatus {
  std::string device_id;              ///< As opened.
  std::uint64_t database_bytes = 0;   ///< The file, without its write-ahead log.
  std::int64_t owner_pid = 0;         ///< Process that owns the database; 0: nobody.
  std::uint64_t incarnation = 0;      ///< How many times an owner has opened the database.
  WriteStatus writes;                 ///< Zero for Access::read.
  BusStatus bus;                      ///< Zero for Access::read.
  std::vector<StreamStatus> streams;  ///< By name.
  std::vector<UplinkStatus> uplinks;  ///< In order of adding; none for Access::read.
};

/// What verifying a database found.
struct VerifyReport {
  std::uint64_t events = 0;           ///< Checked.
  std::vector<std::string> problems;  ///< One sentence each; empty: sound.
};

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

  /// Stops, stores what is buffered and closes.
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Creates a stream; when one of that name exists, nothing changes.
  /// Durable: when it returns. Errors: invalid_argument, naming the position; full; io_error;
  /// wrong_state (read-only, or inside transact).
  Status create_stream(const StreamOptions& options);

  /// Stores every event whose topic matches `filter` in `stream`, from now on. Routes live in
  /// memory: set them at each start. An event goes into a stream once, however many routes match.
  /// Errors: invalid_argument (filter, with position); not_found (unknown stream).
  Status route(std::string_view filter, std::string_view stream);

  /// Completes (id, time, source, type), checks, stores and hands out one event.
  /// Blocks: Durability::stored: until the disk has it; concurrent publishers share one sync.
  /// Durable: as `durability` says.
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

  /// Subscribes on the bus; see Bus::subscribe.
  Result<Subscription> subscribe(std::string_view filter, Handler handler);

  /// The bus, for events that need no store.
  [[nodiscard]] Bus& bus();

  /// Opens the consumer `name` of `stream`, creating it at `from` when it is new. Events before
  /// `from` stay for others: no consumer settles what none was ever to get.
  /// Durable: a new consumer, when it returns.
  /// Errors: invalid_argument (name); not_found (stream); busy (already open in this gateway);
  /// full; io_error; wrong_state (read-only, or inside transact).
  Result<Consumer> consumer(std::string_view stream, std::string_view name,
                            Position from = Position::start());

  /// Reads events without consuming them; works in both access modes.
  /// Errors: not_found (stream); corrupt, naming stream and sequence; io_error.
  Result<std::vector<Event>> read(std::string_view stream, Position from,
                                  const ReadLimits& limits = {});

  /// Adds an upstream. It connects when the gateway is started or stepped. Its streams must exist.
  /// Owns: takes `transport`.
  /// Errors: invalid_argument (option named); not_found (stream); already_exists (name);
  /// wrong_state (started, read-only); full, io_error (its consumers cannot be stored).
  Status add_uplink(const UplinkOptions& options, std::unique_ptr<Transport> transport);

  /// Lets a blocked uplink try again, after credentials or configuration were changed.
  /// Errors: not_found (name).
  Status retry_uplink(std::string_view name);

  /// Runs on threads of its own: one for the store, one for each uplink.
  /// Errors: wrong_state (already started, or read-only); io_error (no thread to be had).
  Status start();

  /// Stops: waits up to `patience` (at most 24 h) for answers of events in flight, disconnects,
  /// stores acknowledgements and buffered events. Does nothing when not started. A failure to store
  /// is logged; flush() would return it.
  /// Blocks: for `patience`, a host name look-up in progress, and one commit.
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
