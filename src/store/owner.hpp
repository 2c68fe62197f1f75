#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/gateway_status.hpp"
#include "edgepost/status.hpp"
#include "edgepost/time.hpp"
#include "store/cursor.hpp"

namespace edgepost::store {

/// What an owner leaves in its file behind every commit.
struct Stamp {
  std::uint64_t life = 0;  ///< Of the database; see life_of().
  Duration lived{};        ///< The life clock (store/life.hpp) when it was written.
  Instant boot;            ///< Clock::since_boot() at the same instant.
  WriteStatus writes;
  bool is_clean = false;         ///< The owner has closed the database and had met no damage.
  bool is_reserve_used = false;  ///< See GatewayStatus.
  /// The last committed sequence of each stream, by number of the stream.
  std::map<std::uint32_t, std::uint64_t> marks;

  /// Errors: none; marks that do not fit (there is room for hundreds) are left out.
  [[nodiscard]] std::string encode() const;
  /// Nothing when it is damaged.
  static std::optional<Stamp> decode(std::string_view bytes);
};

/// The mark that one process (and one gateway in it) owns a database: a lock on the file
/// `<database>-owner`, which holds the owner's pid. It goes through SQLite's VFS, so that locks
/// between gateways in one process work too and a simulated disk simulates this file as well.
/// The lock ends with the process, however that ends; the file stays.
///
/// Behind the pid stand notes: for each consumer the floor it has reached, written with every
/// acknowledgement and never synced; and the last ranges acknowledged above it, written when one
/// is added. They outlive a kill -9, which needs no sync, so that a restarted gateway repeats only
/// what was in flight; after a power cut the books count.
///
/// Before the notes stands a stamp, written behind every commit and never synced either: it is
/// never ahead of the database, unless the database has lost what was committed.
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

  /// Notes that `consumer` has acknowledged these as well, the last range first. So many are
  /// written as fit; the books, which follow soon, have all.
  void note_above(std::uint32_t consumer, std::uint64_t life, const std::vector<Range>& ranges);
  static constexpr std::size_t kRangesMax = 64;  ///< More are not worth the making.

  /// What note_above() has left for `consumer` in `life`, all as acknowledged; empty when there is
  /// nothing, or it is damaged.
  [[nodiscard]] std::vector<Range> noted_above(std::uint32_t consumer, std::uint64_t life) const;

  /// What a consumer has reached.
  struct Note {
    std::uint64_t floor = 0;
    std::vector<Range> above;  ///< As for note_above().
  };

  /// Writes the notes anew, these alone: a note of some other life of the database must never come
  /// true later. Errors: io_error.
  Status begin_notes(const std::map<std::uint32_t, Note>& notes, std::uint64_t life);

  /// Replaces the stamp, by one write. One that cannot be written is only old, or missing.
  void leave(const Stamp& stamp);

  /// The stamp, if it is of `life`.
  [[nodiscard]] std::optional<Stamp> stamp(std::uint64_t life) const;
  /// The stamp of whatever life, for a database that does not know its own any more.
  [[nodiscard]] std::optional<Stamp> last_stamp() const;

  /// The same for whoever looks from outside.
  static std::optional<Stamp> stamp(const std::string& database, const std::string& vfs,
                                    std::uint64_t life);

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
