#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace edgepost::store {

/// What is stored of an event's tries; without any, the row is to be deleted.
struct AttemptRow {
  std::uint64_t sequence = 0;
  unsigned attempts = 0;
  std::string first_error;
  std::string last_error;
};

/// The tries of events that are not settled, and which of them the database does not know yet.
/// An event that was never tried in vain costs nothing here.
/// Threads: one at a time.
class Attempts {
 public:
  /// Of each error, this many bytes are kept.
  static constexpr std::size_t kErrorBytesMax = 256;

  /// Counts one try of `sequence` that came to `error`. Returns how many there are now.
  unsigned count(std::uint64_t sequence, std::string_view error);

  /// The event is settled.
  void forget(std::uint64_t sequence);

  /// What is known of `sequence`; no attempts when it was never tried in vain.
  [[nodiscard]] AttemptRow of(std::uint64_t sequence) const;

  /// Takes over a row of the database.
  void restore(const AttemptRow& row);

  /// What the database has to be told.
  [[nodiscard]] std::vector<AttemptRow> unsaved() const;

  /// The database knows these rows now.
  void saved(const std::vector<AttemptRow>& rows);

 private:
  using Text = std::shared_ptr<const std::string>;
  struct Tries {
    unsigned count = 0;
    bool is_stored = false;  // there is a row, maybe an older one
    Text first_error;
    Text last_error;
  };
  Text shared(std::string_view error);

  std::map<std::uint64_t, Tries> tries_;
  std::set<std::uint64_t> unsaved_;
  Text recent_ = std::make_shared<const std::string>();  // errors repeat: they stand once
};

}  // namespace edgepost::store
