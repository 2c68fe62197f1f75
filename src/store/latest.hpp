#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "edgepost/status.hpp"
#include "store/connection.hpp"

namespace edgepost::store {

/// An event that has a key.
struct Keyed {
  std::string key;
  std::uint64_t sequence;
};

/// Which events of a key are the newest, in streams with max_per_key: the table edgepost_latest.
/// An event is *replaced* when that many newer ones of its key are committed; nothing marks it. It
/// counts as pending until the last consumer passes over it and settles it as Outcome::replaced, so
/// that the books balance whatever happens in between: replacing alone changes no figure.
/// Threads: whoever has the turn of the connection, always the same one.
class Latest {
 public:
  /// Notes new events, oldest first. Call inside the transaction that appends them. For each new
  /// key it looks at two others, and forgets those whose events have all left the stream, which are
  /// the ones up to `trimmed`.
  Status note(Connection& connection, std::uint32_t stream, std::uint32_t max_per_key,
              const std::vector<Keyed>& added, std::uint64_t trimmed);

  /// Whether an event is replaced. One without a key never is.
  Result<bool> is_replaced(Connection& connection, std::uint32_t stream, std::uint32_t max_per_key,
                           std::string_view key, std::uint64_t sequence);

 private:
  Result<std::vector<std::uint64_t>> load(Connection& connection, std::uint32_t stream,
                                          std::string_view key);

  Status sweep(Connection& connection, std::uint32_t stream, std::uint64_t trimmed,
               std::size_t count);

  Statement select_;
  Statement upsert_;
  Statement look_;
  Statement forget_;
  std::map<std::uint32_t, std::string> swept_;  // the key that each stream's sweep has come to
};

}  // namespace edgepost::store
