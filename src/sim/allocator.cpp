#include "edgepost/sim/allocator.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace edgepost::sim {
namespace {

// In front of each block: its size, in room that keeps the block aligned.
constexpr std::size_t kFront = std::max(alignof(std::max_align_t), sizeof(std::size_t));

// SQLite calls its allocator without telling it for whom.
Allocator* sqlite_allocator = nullptr;

void* sqlite_allocate(int bytes) {
  return sqlite_allocator->allocate(static_cast<std::size_t>(bytes));
}
void* sqlite_reallocate(void* block, int bytes) {
  return sqlite_allocator->reallocate(block, static_cast<std::size_t>(bytes));
}
void sqlite_release(void* block) { sqlite_allocator->release(block); }
int sqlite_size(void* block) {
  return block == nullptr ? 0 : static_cast<int>(Allocator::size_of(block));
}
int sqlite_round_up(int bytes) { return (bytes + 7) & ~7; }
int sqlite_start(void*) { return SQLITE_OK; }
void sqlite_stop(void*) {}

}  // namespace

std::size_t Allocator::size_of(const void* block) {
  std::size_t bytes = 0;
  std::memcpy(&bytes, static_cast<const char*>(block) - kFront, sizeof bytes);
  return bytes;
}

bool Allocator::is_refused() {
  const std::uint64_t request = requests_++;
  const bool is_refused = request >= fails_from_ && request < fails_until_;
  if (is_refused) ++failures_;
  return is_refused;
}

void* Allocator::allocate(std::size_t bytes) { return reallocate(nullptr, bytes); }

void* Allocator::reallocate(void* block, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (is_refused() || bytes > std::numeric_limits<std::size_t>::max() - kFront) return nullptr;
  const std::size_t before = block == nullptr ? 0 : size_of(block);
  char* const front = block == nullptr ? nullptr : static_cast<char*>(block) - kFront;
  char* const moved = static_cast<char*>(std::realloc(front, bytes + kFront));
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, &bytes, sizeof bytes);
  live_bytes_ += bytes - before;
  high_water_bytes_ = std::max(high_water_bytes_, live_bytes_);
  return moved + kFront;
}

void Allocator::release(void* block) {
  if (block == nullptr) return;
  const std::lock_guard lock(mutex_);
  live_bytes_ -= size_of(block);
  std::free(static_cast<char*>(block) - kFront);
}

void Allocator::fail_at(std::uint64_t request, Repeat repeat) {
  const std::lock_guard lock(mutex_);
  fails_from_ = request;
  fails_until_ = repeat == Repeat::once ? request + 1 : ~std::uint64_t{0};
}

void Allocator::clear_faults() {
  const std::lock_guard lock(mutex_);
  fails_until_ = 0;
}

std::uint64_t Allocator::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::uint64_t Allocator::failures() const {
  const std::lock_guard lock(mutex_);
  return failures_;
}

std::size_t Allocator::live_bytes() const {
  const std::lock_guard lock(mutex_);
  return live_bytes_;
}

std::size_t Allocator::high_water_bytes() const {
  const std::lock_guard lock(mutex_);
  return high_water_bytes_;
}

void Allocator::begin_high_water() {
  const std::lock_guard lock(mutex_);
  high_water_bytes_ = live_bytes_;
}

struct SqliteMemory::Methods : sqlite3_mem_methods {};

SqliteMemory::SqliteMemory(Allocator& allocator) : usual_(std::make_unique<Methods>()) {
  EDGEPOST_ASSERT(sqlite_allocator == nullptr);
  sqlite_allocator = &allocator;
  sqlite3_mem_methods ours{sqlite_allocate, sqlite_release, sqlite_reallocate, sqlite_size,
                           sqlite_round_up, sqlite_start,   sqlite_stop,       nullptr};
  EDGEPOST_ASSERT(sqlite3_shutdown() == SQLITE_OK);
  EDGEPOST_ASSERT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, usual_.get()) == SQLITE_OK);
  EDGEPOST_ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, &ours) == SQLITE_OK);
}

SqliteMemory::~SqliteMemory() {
  EDGEPOST_ASSERT(sqlite3_shutdown() == SQLITE_OK);
  EDGEPOST_ASSERT(sqlite3_config(SQLITE_CONFIG_MALLOC, usual_.get()) == SQLITE_OK);
  sqlite_allocator = nullptr;
}

}  // namespace edgepost::sim
