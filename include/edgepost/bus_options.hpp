#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// Called with each event whose topic matches. A failure is counted and given to nobody else.
/// It must not throw.
using Handler = std::function<Status(const Event&)>;

/// On which thread a handler runs.
enum class Run : unsigned char {
  inline_,  ///< The publisher's: on several at once when several publish.
  shared,   ///< The bus's worker, through a queue: never two such handlers of a bus at once.
  own,      ///< A worker of this subscription alone, through a queue: one call at a time.
};

/// What happens to an event for which a queue has no room. Whatever is dropped is counted.
enum class Overflow : unsigned char {
  drop_oldest,  ///< The event that has waited longest makes room.
  drop_newest,  ///< The event is not queued.
  /// The publisher waits (back-pressure) until there is room. Where no worker runs, and inside a
  /// handler that the same worker runs, it would wait for ever: there as drop_newest.
  block,
  /// The newest event of each key, or of each topic where events have no key, is kept, at the place
  /// of the one that it replaces; beyond `queue_capacity` different ones, as drop_newest.
  keep_latest,
  spill,  ///< It is given to `spill`, on the publisher's thread, for example into a stream.
};

/// How a subscription is served. The default is inline, all of it, at once.
/// An event passes `where`, `on_change`, `every`, `interval` in this order, and then the queue.
struct SubscribeOptions {
  std::string name{};  ///< In status and metrics, at most 64 characters of a-z, 0-9, `-`, `_`, `.`.
  int priority = 0;    ///< -100 to 100; higher ones hear an event first.
  bool once = false;   ///< Ends by itself when its handler has been called once.
  /// Hears the last event of each topic at once, where Bus::retain keeps them, before subscribe
  /// returns (inline) or through the queue. One that is replaced meanwhile may be left out, or be
  /// heard while its successor is heard on another thread.
  bool retained = false;

  std::function<bool(const Event&)> where{};  ///< Only events for which it is true; none: all.
  /// Only events that differ from the last one of their topic that passed. Where `value` reads a
  /// number from both, by more than `dead_band`; else when the data differ.
  bool on_change = false;
  double dead_band = 0;  ///< 0 or more.
  /// The number in an event; none when there is none. Empty: the data as decimal text.
  std::function<std::optional<double>(const Event&)> value{};
  std::uint32_t every = 1;  ///< Only every n-th event of a topic, the first one included; 1: all.
  /// At most one event of a topic in each interval: the first at once, then the latest one when the
  /// interval ends (coalesced, on the bus's worker or the queue's), if there was one. 0: all.
  /// Of `on_change`, `every` and `interval` the bus remembers 4,096 topics, those heard of last.
  Duration interval{};
  bool latest = true;  ///< False: nothing at the end of an interval; what came in it is left out.

  Run run = Run::inline_;            ///< See Run.
  std::size_t queue_capacity = 256;  ///< Events, 1 to 65,536; rounded up to a power of two.
  Overflow overflow = Overflow::drop_oldest;  ///< See Overflow; for Run::shared and own.
  Handler spill{};                            ///< For Overflow::spill; a failure counts as a drop.
  Duration slow_after{};     ///< Calls that take longer are counted, and the log says so. 0: never.
  bool is_measured = false;  ///< Keeps a histogram of what calls take; two readings of the clock.
};

/// How a bus works.
struct BusOptions {
  Platform platform{};  ///< Clock and logger are used, and `random` for ids of requests.
  /// True: workers start with the first subscription that needs one. False: nothing runs but inside
  /// step() until start() is called; that is how a gateway makes its own.
  bool threads = true;
  std::size_t retained_max = 10'000;  ///< Topics kept by retain(); events of more are not kept.
};

}  // namespace edgepost
