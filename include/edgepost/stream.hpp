#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/time.hpp"

namespace edgepost {

/// How much a publish waits for.
enum class Durability : unsigned char {
  stored,    ///< Returns when the event is committed and synced: it survives a power cut.
  buffered,  ///< Returns at once; stored by `flush_interval` or flush(). A crash may lose it.
};

/// Which of the events that match its filter a route takes. Each topic is counted for itself (the
/// 4,096 that came last), and an event that could not be stored counts as well. One that every
/// route leaves out is handed to the bus all the same, with the sequence 0.
struct RouteOptions {
  std::uint32_t every = 1;  ///< Only every n-th event of a topic, the first one included; 1: all.
  Duration interval{};      ///< At most one event of a topic in each, the first; 0 (all) to 24 h.
  /// None: as the publisher says. An event goes into all its streams in one commit, so that the
  /// strictest of their routes decides for all of them. Transactions store in any case.
  std::optional<Durability> durability{};
};

/// When an event leaves its stream.
enum class Retention : unsigned char {
  interest,    ///< When every consumer has settled it. While there is no consumer it stays.
  limits,      ///< Only by the stream's limits; until then it can be read again and replayed.
  work_queue,  ///< As interest, and the stream has one consumer at most: each event is work once.
};

/// What a stream does that has reached `max_bytes` or `max_events`.
enum class Discard : unsigned char {
  new_events,  ///< The publisher gets `full`; what is stored stays.
  old_events,  ///< The oldest make room, a segment (up to 64 KiB) at a time, and are counted.
};

/// A stream: a named durable log of events, numbered from 1 without gaps. Streams never take room
/// from each other: each has its own limits, within GatewayOptions::disk_bytes_max for all. What
/// limits drop is told on the bus, at most once a second, as the topic
/// `edgepost/stream/<name>/dropped` with the counts by reason as JSON.
struct StreamOptions {
  std::string name{};                  ///< 1 to 64 characters of a-z, 0-9, `-`, `_` and `.`.
  std::vector<std::string> filters{};  ///< Topics it takes, as MQTT filters; routes add more.
  Retention retention = Retention::interest;  ///< Fixed when the stream is created.
  Discard discard = Discard::new_events;      ///< What happens at max_bytes and max_events.
  std::uint64_t max_bytes = 0;                ///< Of stored segments; 0: no limit but the disk.
  std::uint64_t max_events = 0;               ///< Kept, at most; 0: no limit.
  Duration max_age = Duration::zero();  ///< Older ones are dropped, whatever `discard`; zero: none.
  std::uint32_t max_per_key = 0;        ///< Newest events kept of each key; 0: all. See Dropped.
  int priority = 0;  ///< An uplink drains the stream of the highest number first.
};

/// A place in a stream.
struct Position {
  std::uint64_t sequence = 1;       ///< The first event wanted.
  std::optional<Timestamp> time{};  ///< Or: the first event of this time or later.

  /// The oldest event that is still there.
  static Position start() { return {}; }
  /// Behind the newest event: what comes from now on.
  static Position end() { return {~std::uint64_t{0}, std::nullopt}; }
  /// The first event whose `time` is `when` or later; found by reading from the start.
  static Position at(Timestamp when) { return {1, when}; }
};

/// How much one read or fetch may return; whichever limit is met first. At least one event is
/// returned when there is one, whatever its size.
struct ReadLimits {
  std::size_t events = 100;       ///< 1 or more.
  std::size_t bytes = 64 * 1024;  ///< Of event data and attributes.
};

/// Events that a limit, an operator or damage took out of a stream before they were delivered.
struct Dropped {
  std::uint64_t max_bytes = 0;    ///< Made room, with Discard::old_events.
  std::uint64_t max_events = 0;   ///< Made room, with Discard::old_events.
  std::uint64_t max_age = 0;      ///< Were too old.
  std::uint64_t max_per_key = 0;  ///< Newer events of their key replaced them.
  std::uint64_t purged = 0;       ///< Dead letters that an operator purged.
  std::uint64_t damaged = 0;      ///< Could not be read any more.

  /// All of them.
  [[nodiscard]] std::uint64_t total() const {
    return max_bytes + max_events + max_age + max_per_key + purged + damaged;
  }
  bool operator==(const Dropped&) const = default;
};

/// The books of a stream. At every instant, also after a crash,
/// published = acknowledged + pending + expired + dropped + dead.
/// With several consumers an event counts as what the last of them to finish with it made of it.
struct Ledger {
  std::uint64_t published = 0;     ///< Stored since the stream was created.
  std::uint64_t acknowledged = 0;  ///< Proven delivered to every consumer.
  std::uint64_t pending = 0;       ///< Wanted by at least one consumer, or no consumer yet.
  std::uint64_t expired = 0;       ///< Outlived their time to live.
  Dropped dropped;                 ///< By reason.
  std::uint64_t dead = 0;          ///< Set aside as dead letters.

  bool operator==(const Ledger&) const = default;
};

/// What is known of one consumer.
struct ConsumerStatus {
  std::string name;         ///< As created.
  std::uint64_t floor = 0;  ///< Every event up to this sequence is settled.
  std::uint64_t lag = 0;    ///< Events above the floor.
};

/// What is known of one stream.
struct StreamStatus {
  std::string name;                       ///< As created.
  StreamOptions options;                  ///< As created or changed.
  std::uint64_t first_sequence = 1;       ///< The oldest event still there.
  std::uint64_t next_sequence = 1;        ///< What the next event will get.
  std::uint64_t bytes = 0;                ///< Of its segments; what max_bytes limits.
  Ledger ledger;                          ///< Balanced.
  std::vector<ConsumerStatus> consumers;  ///< In order of creation.
};

}  // namespace edgepost
