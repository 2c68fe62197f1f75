#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/bus.hpp"
#include "edgepost/dead_letter.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/subscriber.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// What a gateway costs its flash: counted where SQLite hands bytes to the file system.
struct WriteStatus {
  std::uint64_t commits = 0;      ///< Transactions committed.
  std::uint64_t events = 0;       ///< Events stored by them.
  std::uint64_t bytes = 0;        ///< Written to all files of the database.
  std::uint64_t syncs = 0;        ///< fsync and the like.
  std::uint64_t checkpoints = 0;  ///< Times the log was carried over into the file.
};

/// Damage that was found in the database, and what became of it.
struct DamageReport {
  std::string set_aside;  ///< What was damaged (file, log or segment), kept; empty: nothing was.
  std::uint64_t events_salvaged = 0;  ///< Carried over from it.
  std::uint64_t events_lost = 0;      ///< Known to be missing; counted as dropped (`damaged`).
  std::vector<std::string> problems;  ///< One sentence each.
};

/// A gateway at one instant.
struct GatewayStatus {
  std::string device_id;             ///< As opened.
  std::uint64_t database_bytes = 0;  ///< The file, without its write-ahead log.
  std::uint64_t log_bytes = 0;       ///< The write-ahead log.
  std::uint64_t free_bytes = 0;      ///< Of the file: not in use, the next events go there.
  /// The disk is full; what is left serves acknowledging. Unless Access::own, as of the owner's
  /// last commit.
  bool is_reserve_used = false;
  std::int64_t owner_pid = 0;                 ///< Process that owns the database; 0: nobody.
  std::uint64_t incarnation = 0;              ///< How many times an owner has opened the database.
  WriteStatus writes;                         ///< Of the owner, since it opened the database.
  BusStatus bus;                              ///< Zero unless Access::own.
  std::vector<StreamStatus> streams;          ///< By name.
  std::vector<DeadLetterGroup> dead_letters;  ///< By stream, consumer and reason.
  std::vector<UplinkStatus> uplinks;          ///< In order of adding; none unless Access::own.
  std::vector<SubscriberStatus> subscribers;  ///< In order of adding; none unless Access::own.
  /// Found since this gateway was opened; with Access::read, the newest evidence, by name only.
  std::optional<DamageReport> damage;
};

/// What verifying a database found.
struct VerifyReport {
  std::uint64_t events = 0;           ///< Checked.
  std::uint64_t events_lost = 0;      ///< Their places say that they were lost to damage before.
  std::vector<std::string> problems;  ///< One sentence each; empty: sound.
};

}  // namespace edgepost
