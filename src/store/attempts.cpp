#include "store/attempts.hpp"

namespace edgepost::store {
namespace {

// Not in the middle of a UTF-8 character.
std::string_view cut(std::string_view error) {
  if (error.size() <= Attempts::kErrorBytesMax) return error;
  std::size_t end = Attempts::kErrorBytesMax;
  while (end > 0 && (static_cast<unsigned char>(error[end]) & 0xC0U) == 0x80U)
    --end;
  return error.substr(0, end);
}

}  // namespace

Attempts::Text Attempts::shared(std::string_view error) {
  if (const std::string_view text = cut(error); *recent_ != text) {
    recent_ = std::make_shared<const std::string>(text);
  }
  return recent_;
}

unsigned Attempts::count(std::uint64_t sequence, std::string_view error) {
  Tries& tries = tries_[sequence];
  tries.last_error = shared(error);
  if (tries.count++ == 0) tries.first_error = tries.last_error;
  unsaved_.insert(sequence);
  return tries.count;
}

void Attempts::forget(std::uint64_t sequence) {
  const auto found = tries_.find(sequence);
  if (found == tries_.end()) return;
  if (!found->second.is_stored) unsaved_.erase(sequence);
  if (found->second.is_stored) unsaved_.insert(sequence);
  tries_.erase(found);
}

AttemptRow Attempts::of(std::uint64_t sequence) const {
  const auto found = tries_.find(sequence);
  if (found == tries_.end()) return {.sequence = sequence, .first_error = {}, .last_error = {}};
  const Tries& tries = found->second;
  return {sequence, tries.count, *tries.first_error, *tries.last_error};
}

void Attempts::restore(const AttemptRow& row) {
  tries_[row.sequence] = {row.attempts, true, shared(row.first_error), shared(row.last_error)};
}

std::vector<AttemptRow> Attempts::unsaved() const {
  std::vector<AttemptRow> rows;
  for (const std::uint64_t sequence : unsaved_)
    rows.push_back(of(sequence));
  return rows;
}

void Attempts::saved(const std::vector<AttemptRow>& rows) {
  for (const AttemptRow& row : rows) {
    const auto found = tries_.find(row.sequence);
    const bool is_known = found != tries_.end();
    if (is_known) found->second.is_stored = row.attempts > 0;
    if ((is_known ? found->second.count : 0) == row.attempts) {
      unsaved_.erase(row.sequence);
    } else {
      unsaved_.insert(row.sequence);  // it changed, or was settled, while it was written
    }
  }
}

}  // namespace edgepost::store
