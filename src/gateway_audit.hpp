#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "edgepost/uplink.hpp"

namespace edgepost {

/// The newest rows of the audit; see Gateway::audit().
/// Threads: any.
class AuditRing {
 public:
  /// Keeps `rows` of them; 0: none, and they are still numbered.
  explicit AuditRing(std::size_t rows) : rows_max_(rows) {}

  /// Numbers `entry` and takes it in the place of the oldest. What is too long is cut.
  void add(AuditEntry&& entry);

  /// Oldest first.
  [[nodiscard]] std::vector<AuditEntry> entries() const;

  /// How many were added.
  [[nodiscard]] std::uint64_t count() const;

 private:
  const std::size_t rows_max_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<AuditEntry> rows_;
  std::size_t oldest_ = 0;  // of rows_
  std::uint64_t count_ = 0;
};

}  // namespace edgepost
