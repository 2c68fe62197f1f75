#include "gateway_audit.hpp"

#include <utility>

#include "gateway_parts.hpp"

namespace edgepost {
namespace {

constexpr std::size_t kDetailMax = 256;  // the words are the other side's: nobody else bounds them

}  // namespace

void AuditRing::add(AuditEntry&& entry) {
  if (entry.detail.size() > kDetailMax) entry.detail.resize(kDetailMax);
  const std::lock_guard lock(mutex_);
  entry.number = ++count_;
  if (rows_max_ == 0) return;
  if (rows_.size() < rows_max_) {
    rows_.push_back(std::move(entry));
  } else {
    rows_[oldest_] = std::move(entry);
    oldest_ = (oldest_ + 1) % rows_max_;
  }
}

std::vector<AuditEntry> AuditRing::entries() const {
  const std::lock_guard lock(mutex_);
  std::vector<AuditEntry> entries;
  entries.reserve(rows_.size());
  for (std::size_t i = 0; i < rows_.size(); ++i)
    entries.push_back(rows_[(oldest_ + i) % rows_.size()]);
  return entries;
}

std::uint64_t AuditRing::count() const {
  const std::lock_guard lock(mutex_);
  return count_;
}

std::vector<AuditEntry> Gateway::audit() const { return parts_->audit.entries(); }

}  // namespace edgepost
