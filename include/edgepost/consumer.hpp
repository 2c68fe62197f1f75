#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/event.hpp"
#include "edgepost/retry.hpp"
#include "edgepost/status.hpp"
#include "edgepost/stream.hpp"

namespace edgepost {

/// Which events wait for which.
enum class Order : unsigned char {
  stream,  ///< Each waits for the one before it: one is in flight at a time.
  key,     ///< Each waits for the ones of its key; those without a key wait for none.
  none,    ///< None waits.
};

/// How a consumer gets its events. Only the name and the position are stored; the rest may differ
/// each time it is opened.
struct ConsumerOptions {
  std::string name{};                 ///< 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`.
  Position from = Position::start();  ///< Where a new consumer begins.
  std::string filter = "#";           ///< Topics it wants; others are settled unseen.
  Order order = Order::key;           ///< See Order.
  std::size_t max_in_flight = 1'000;  ///< Fetched and not answered, at most; 1 to 65,535.
  /// Of one key, in flight at most; 1 or more. With more than 1, an event that is refused can be
  /// overtaken by those of its key that were already on their way.
  std::size_t max_in_flight_per_key = 1;
  /// An event that is not answered in this time counts as tried and is fetched again; zero: never.
  Duration ack_wait = Duration::zero();
  /// Share of what is handed out, in percent, for fresh events, which are those stored while it is
  /// behind: more than `max_in_flight` wait. 0: none, strictly in order. Only events that wait for
  /// no other may pass (see Order): with Order::key those without a key, with Order::stream none.
  /// When 1,024 fresh ones wait as well, they join the backlog, and those stored next are fresh.
  unsigned live_percent = 0;
  unsigned max_deliver = 0;  ///< Tries before it becomes a dead letter; 0: no limit.
  RetryPolicy retry{};       ///< Delays between tries that nack() leaves open.
};

/// A consumer: a named durable position in a stream. It hands out events in order, but for fresh
/// ones where ConsumerOptions::live_percent lets them pass; an event is *settled* when it is
/// acknowledged, expired, or set aside as a dead letter. The floor is the position below which
/// everything is settled. What is settled reaches the disk with the next append, or within
/// `ack_flush`, and is noted at once (without a sync): a kill -9 repeats nothing settled, a power
/// cut at most that window, with the same ids.
/// An event waits without hindering others (see Order): one that was refused, until its delay is
/// over; one with `not_before`, until then. At most 65,536 events can lie between the oldest that
/// is not settled and the newest fetched in order; behind them the consumer waits.
/// Must outlive: nothing; it stays usable until its gateway is closed, then returns wrong_state.
/// Threads: any; events fetched on one may be answered on another.
class Consumer {
 public:
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;
  ~Consumer();

  /// Events to be delivered now, in order; empty when there are none or all there are must wait
  /// (see next_due()). They are in flight until they are answered.
  /// Blocks: for reads of the database.
  /// Errors: corrupt, naming stream and sequences, when stored events fail their checksum: within
  /// one step of the gateway their bytes are set aside, they count as dropped (`damaged`), and
  /// fetching goes on behind them;
  /// io_error; wrong_state after the gateway was closed.
  Result<std::vector<Event>> fetch(const ReadLimits& limits = {});

  /// Settles an event: it was delivered. In memory at once; see the class comment for the disk.
  /// Doing it twice changes nothing.
  /// Errors: invalid_argument when `sequence` was never fetched; wrong_state.
  Status acknowledge(std::uint64_t sequence);

  /// Says that a try failed, and why. The event is fetched again after `delay`, or after what
  /// `retry` says; the last of `max_deliver` tries makes it a dead letter (reason `max_deliver`),
  /// within one step of the gateway.
  /// Errors: invalid_argument when it is not in flight; wrong_state.
  Status nack(std::uint64_t sequence, std::string_view error,
              std::optional<Duration> delay = std::nullopt);

  /// Makes an event a dead letter at once: trying again is of no use. `reason` is one word for all
  /// of its kind, such as `refused`.
  /// Errors: invalid_argument when it is not in flight, or for a reason that is empty or longer
  /// than 64 characters; wrong_state.
  Status reject(std::uint64_t sequence, std::string_view reason, std::string_view error);

  /// Gives an event back as if it had not been fetched: nothing reached the other side. It is
  /// fetched again after `delay`.
  /// Errors: invalid_argument when it is not in flight; wrong_state.
  Status release(std::uint64_t sequence, Duration delay = Duration::zero());

  /// Tries of this event that failed; 0 when it is settled, or none did.
  [[nodiscard]] unsigned attempts(std::uint64_t sequence) const;

  /// Gives back all that is in flight.
  void rewind();

  /// When fetch() has something to say: at the latest now (the epoch) when there are events that
  /// were not read yet; later when something waits for its time; Instant::max() when nothing waits.
  /// Events stored afterwards are told by other means: Gateway wakes its uplinks and subscriptions.
  [[nodiscard]] Instant next_due() const;

  /// Position and lag.
  [[nodiscard]] ConsumerStatus status() const;

  /// What the store keeps for a consumer; opaque to everyone else.
  struct State;

  /// For the gateway only.
  explicit Consumer(std::shared_ptr<State> state);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace edgepost
