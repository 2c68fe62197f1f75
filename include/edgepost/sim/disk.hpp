#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "edgepost/sim/fault.hpp"
#include "edgepost/status.hpp"

namespace edgepost::sim {

/// What becomes, in a power cut, of what was written and not synced. A *piece* is what one write
/// put into one sector; the seed of the cut decides for each piece, and for each change of a name
/// or a length.
enum class CutPolicy : unsigned char {
  drop_all,  ///< Nothing of it is there.
  keep_all,  ///< All of it is there, as when only the process dies (kill -9).
  random,    ///< Each is there or not.
  torn,      ///< Each is there, not there, or ends early.
  garbage,   ///< Each is there, not there, or random bytes stand in its place.
};

/// The name of `policy` as it stands in the enum.
const char* to_string(CutPolicy policy);

/// A power cut.
struct PowerCut {
  CutPolicy policy = CutPolicy::random;  ///< What may happen.
  std::uint64_t seed = 1;                ///< Decides what does happen.
};

/// How a call fails.
enum class Fault : unsigned char {
  io_error,  ///< It does nothing. A sync that fails has written some pieces and forgets the rest.
  full,      ///< A write, or the making of a file, finds no space. Other calls work.
  short_write,  ///< A write puts half of its bytes there, then finds no space. Other calls work.
  short_read,   ///< A read finds the end of the file after half of its bytes. Other calls work.
  read_only,    ///< Nothing can be changed: what Linux makes of a file system with errors. Reads
                ///< work.
};

/// How a disk behaves.
struct DiskOptions {
  std::uint64_t seed = 1;            ///< Of what the disk itself draws: see Disk.
  std::uint32_t sector_bytes = 512;  ///< What is written whole or not at all; 512 or 4,096.
  bool syncs = true;                 ///< False: it lies: a sync returns ok and does nothing.
  bool syncs_directories = true;     ///< False: files are synced, the names of files are not.
  std::uint64_t capacity_bytes = 0;  ///< See Disk::set_capacity.
};

/// All files of a disk: content by name.
using DiskImage = std::map<std::string, std::string>;

/// A disk in memory that does what real ones do at their worst, for a gateway's Platform::vfs.
///
/// Written bytes are seen by every reader at once and survive a power cut only when their file was
/// synced. A name that was given to a file or taken away survives only when its directory was
/// synced; as with SQLite on Linux, that happens at the first sync of a new journal or write-ahead
/// log, and when a journal is deleted. Locks and the shared memory of the write-ahead log work
/// among all connections of this process and end with the power.
///
/// Every open, delete, look-up, read, write, truncation, sync and question for a size is a *call*;
/// calls are numbered from 0. Locks and shared memory are not calls. The same calls on a disk of
/// the same seed do the same: to that end SQLite's own random numbers, of which a process has one
/// source, are drawn from the seed while a disk lives. Paths are names and nothing more: there is
/// no current directory and no link, and every directory exists.
///
/// Must outlive: every database opened through it.
/// Threads: the one that made it; a call from another one ends the process.
class Disk {
 public:
  /// An empty disk, switched on.
  explicit Disk(const DiskOptions& options = {});
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  /// For Platform::vfs.
  [[nodiscard]] const std::string& name() const;

  /// Calls so far, which is the number of the next one.
  [[nodiscard]] std::uint64_t calls() const;

  /// Makes the fault strike from call number `call` on. Replaces what was planned before. A call to
  /// which the fault does not apply works.
  void fail_at(std::uint64_t call, Fault fault, Repeat repeat = Repeat::once);

  /// Cuts the power just before call number `call` does anything. Replaces what was planned before.
  void cut_power_at(std::uint64_t call, const PowerCut& cut);

  /// From now on all files together have room for `bytes`; 0: for any number. A write or truncation
  /// that would make them larger finds no space and does nothing. Writing within a file works, and
  /// so does everything when files have become smaller again.
  void set_capacity(std::uint64_t bytes);

  /// Plans no fault and no cut any more. The capacity stays.
  void clear_faults();

  /// What faults and cuts struck first, for messages: "write /gateway.db-wal". Empty: nothing yet.
  [[nodiscard]] const std::string& struck() const;

  /// The number of that call; 0 while nothing was struck.
  [[nodiscard]] std::uint64_t struck_call() const;

  /// Cuts the power now. Until power_on() every call fails; files that were open stay dead for
  /// ever, and closing them is all that works.
  void cut_power(const PowerCut& cut);

  /// Switches the disk on again after a cut, with the files as the cut left them.
  void power_on();

  /// False from a cut to power_on().
  [[nodiscard]] bool is_on() const;

  /// The files as readers see them now.
  [[nodiscard]] DiskImage image() const;

  /// Makes `image` the whole content of the disk, all of it synced. Files that were open are dead,
  /// as after a cut.
  void restore(const DiskImage& image);

  /// Bit rot: inverts the bits of `mask` in one byte of a file, on the medium and for readers.
  /// Errors: not_found (file); invalid_argument (`offset` is behind its end).
  Status flip(const std::string& file, std::uint64_t offset, std::uint8_t mask);

  /// What a disk is inside; opaque to everyone else.
  struct Model;

 private:
  std::unique_ptr<Model> model_;
};

}  // namespace edgepost::sim
