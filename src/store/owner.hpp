#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "edgepost/status.hpp"

namespace edgepost::store {

/// The mark that one process (and one gateway in it) owns a database: a lock on the file
/// `<database>-owner`, which holds the owner's pid. It goes through SQLite's VFS, so that locks
/// between gateways in one process work too and a simulated disk simulates this file as well.
/// The lock ends with the process, however that ends; the file stays.
///
/// Behind the pid stand notes: for each consumer the floor it has reached, written with every
/// acknowledgement and never synced. They outlive a kill -9, which needs no sync, so that a
/// restarted gateway repeats only what was in flight; after a power cut the books count.
class Owner {
 public:
  /// Takes ownership. Errors: busy, naming the owner's pid; io_error; full.
  static Result<std::unique_ptr<Owner>> take(const std::string& database, const std::string& vfs);

  /// The pid of the process that owns `database` now; 0 when nobody does.
  static std::int64_t pid(const std::string& database, const std::string& vfs);

  /// Notes that `consumer` has everything up to `floor`, in the life of the database that `life`
  /// names. A note that cannot be written is only missing.
  void note(std::uint32_t consumer, std::uint64_t life, std::uint64_t floor);

  /// The floor noted for `consumer` in `life`; 0 when there is none, or it is damaged.
  [[nodiscard]] std::uint64_t noted(std::uint32_t consumer, std::uint64_t life) const;

  /// Writes the notes anew, those of `floors` alone: a note of some other life of the database must
  /// never come true later. Errors: io_error.
  Status begin_notes(const std::map<std::uint32_t, std::uint64_t>& floors, std::uint64_t life);

  /// Gives ownership up.
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

 private:
  struct File;
  explicit Owner(std::unique_ptr<File> file);
  std::unique_ptr<File> file_;
};

}  // namespace edgepost::store
