#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "edgepost/sim/disk.hpp"
#include "sim/draw.hpp"
#include "sim/file_system.hpp"

namespace edgepost::sim {

/// What a call does to the disk, as far as faults tell calls apart.
enum class CallKind : unsigned char { other, read, create, write, change };

/// What becomes of a call.
enum class Verdict : unsigned char { works, io_error, full, short_write, short_read, read_only };

/// The disk, its faults, and the SQLite VFS it is reached through.
struct Disk::Model {
  /// A fault or a cut that waits for its call.
  struct Plan {
    std::uint64_t call;
    Fault fault;
    Repeat repeat;
    std::optional<PowerCut> cut;
  };

  explicit Model(const DiskOptions& disk_options);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  /// Counts a call and lets the plan strike. A dead file and a disk without power fail.
  Verdict begin(CallKind kind, std::string_view what, const std::string& file);

  /// True when a file may become `after` bytes long that is `before` long.
  [[nodiscard]] bool has_room(std::size_t before, std::size_t after) const;

  /// True while nothing can be changed, for as long as one does not try.
  [[nodiscard]] bool is_read_only() const;

  void cut_power(const PowerCut& power_cut);

  /// Makes SQLite's random numbers begin anew, from this disk's seed.
  void seed_sqlite();

  /// Brings the names of a directory to the medium, unless the disk lies.
  void sync_directory_of(const std::string& file);

  DiskOptions options;
  FileSystem files;
  Draw draw;
  std::uint64_t calls = 0;
  std::uint64_t life = 0;  ///< Counts what kills open files: cuts and restores.
  bool is_on = true;
  std::optional<Plan> plan;
  std::string struck;  ///< First; empty: nothing yet.
  std::uint64_t struck_call = 0;
  int last_errno = 0;         ///< What the system would have said of the last call that failed.
  std::int64_t slept_us = 0;  ///< SQLite waits for locks: the only time that passes here.
  std::thread::id thread;
  std::string name;
  sqlite3_vfs vfs{};
};

/// Fills in the methods of `model.vfs`.
void make_vfs(Disk::Model& model);

}  // namespace edgepost::sim
