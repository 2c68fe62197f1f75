#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "edgepost/event.hpp"
#include "edgepost/platform.hpp"
#include "edgepost/time.hpp"

namespace edgepost {

/// What a gateway may do with its database.
enum class Access : unsigned char {
  own,   ///< Read and write; one owner at a time for each database.
  read,  ///< Look only; works beside an owner, changes nothing.
  /// What an operator does beside an owner, or without one: read, requeue and purge dead letters.
  operate,
};

/// How to open a gateway.
struct GatewayOptions {
  std::string database{};       ///< Path of the SQLite file; made if it is missing.
  std::string device_id{};      ///< Empty: `gw-` and the start of the database's identity.
  std::string source{};         ///< CloudEvents source of its events; empty: `/` and device id.
  Access access = Access::own;  ///< See Access.
  EventLimits limits{};         ///< What publish accepts.
  Duration flush_interval = std::chrono::milliseconds(100);  ///< Age of a buffered event, at most.
  std::size_t buffer_bytes_max = 256 * 1024;     ///< Buffered events, at most; then publish stores.
  std::size_t group_bytes_max = 256 * 1024;      ///< One commit, at most (or one event).
  Duration ack_flush = std::chrono::seconds(1);  ///< Age of an unstored acknowledgement, at most.
  std::size_t ack_flush_events = 10'000;         ///< Their number, at most.
  /// The database and its log, at most; publishing then returns full. 0: no limit but the disk.
  std::uint64_t disk_bytes_max = 0;
  /// Kept free on the disk, in the file `<database>-reserve`, so that a full disk can still be
  /// drained: what stands in the write-ahead log (1 MiB and one commit) must go into the file
  /// before the log can begin anew. It is made again when there is room. 0: none.
  std::uint64_t reserve_bytes = 2 * 1024 * 1024;
  std::size_t audit_rows = 256;      ///< In memory, 0 or more; see Gateway::audit().
  std::size_t claims_max = 100'000;  ///< Remembered for each scope, 1 or more; see claim().
  Platform platform{};               ///< What the host replaces.
};

}  // namespace edgepost
