#include "sim/locks.hpp"

#include <algorithm>

namespace edgepost::sim {

int FileLocks::highest_but(const void* holder) const {
  int highest = none;
  for (const auto& [other, level] : levels_) {
    if (other != holder) highest = std::max(highest, level);
  }
  return highest;
}

bool FileLocks::lock(const void* holder, int level) {
  int& held = levels_[holder];
  if (held >= level) return true;
  const int others = highest_but(holder);
  if (level == shared && others >= pending) return false;
  if (level > shared && others >= reserved) return false;
  if (level == exclusive && others >= shared) {
    held = pending;
    return false;
  }
  held = level;
  return true;
}

void FileLocks::unlock(const void* holder, int level) {
  int& held = levels_[holder];
  held = std::min(held, level);
  if (held == none) levels_.erase(holder);
}

bool FileLocks::is_reserved() const { return highest_but(nullptr) >= reserved; }

void* SharedMemory::map(const void* holder, std::size_t index, std::size_t bytes, bool makes) {
  held_[holder];
  if (index >= regions_.size() && !makes) return nullptr;
  while (regions_.size() <= index)
    regions_.push_back(std::make_unique<std::uint64_t[]>(bytes / sizeof(std::uint64_t)));
  return regions_[index].get();
}

bool SharedMemory::lock(const void* holder, std::uint32_t mask, bool is_exclusive) {
  for (const auto& [other, held] : held_) {
    if (other == holder) continue;
    if ((held.exclusive & mask) != 0 || (is_exclusive && (held.shared & mask) != 0)) return false;
  }
  Held& held = held_[holder];
  (is_exclusive ? held.exclusive : held.shared) |= mask;
  return true;
}

void SharedMemory::unlock(const void* holder, std::uint32_t mask) {
  Held& held = held_[holder];
  held.shared &= ~mask;
  held.exclusive &= ~mask;
}

void SharedMemory::unmap(const void* holder) {
  held_.erase(holder);
  if (held_.empty()) regions_.clear();
}

}  // namespace edgepost::sim
