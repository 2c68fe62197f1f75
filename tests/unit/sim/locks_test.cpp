#include "sim/locks.hpp"

#include <doctest.h>

#include "unit/sim/disk_fixture.hpp"

using namespace edgepost;
using test::OnDisk;

TEST_CASE_FIXTURE(OnDisk, "locks: locks among the openers of a file are SQLite's") {
  auto a = open_file();
  auto b = open_file();
  CHECK(a->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(a->lock(SQLITE_LOCK_RESERVED) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_RESERVED) == SQLITE_BUSY);
  int is_reserved = 0;
  CHECK(b->io().xCheckReservedLock(b->file(), &is_reserved) == SQLITE_OK);
  CHECK(is_reserved == 1);
  CHECK(a->lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_BUSY);  // b still reads, nobody new may
  CHECK(open_file()->lock(SQLITE_LOCK_SHARED) == SQLITE_BUSY);
  CHECK(b->unlock(SQLITE_LOCK_NONE) == SQLITE_OK);
  CHECK(a->lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_OK);
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_BUSY);
  a.reset();
  CHECK(b->lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
}

TEST_CASE_FIXTURE(OnDisk, "locks: shared memory is seen by all and gone with the last") {
  auto a = open_file();
  auto b = open_file();
  CHECK((a->map(1, false) == nullptr));
  *static_cast<char volatile*>(a->map(0)) = 'x';
  CHECK(*static_cast<char volatile*>(b->map(0)) == 'x');
  a->io().xShmUnmap(a->file(), 0);
  CHECK(*static_cast<char volatile*>(b->map(0)) == 'x');
  b->io().xShmUnmap(b->file(), 0);
  CHECK(*static_cast<char volatile*>(b->map(0)) == 0);
}

TEST_CASE_FIXTURE(OnDisk, "locks: locks in shared memory are one or many, slot by slot") {
  constexpr int kShared = SQLITE_SHM_LOCK | SQLITE_SHM_SHARED;
  constexpr int kExclusive = SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE;
  auto a = open_file();
  auto b = open_file();
  a->map(0);
  b->map(0);
  CHECK(a->lock_shared_memory(3, 1, kShared) == SQLITE_OK);
  CHECK(b->lock_shared_memory(3, 1, kShared) == SQLITE_OK);
  CHECK(b->lock_shared_memory(2, 2, kExclusive) == SQLITE_BUSY);
  CHECK(b->lock_shared_memory(4, 2, kExclusive) == SQLITE_OK);
  CHECK(a->lock_shared_memory(5, 1, kShared) == SQLITE_BUSY);
  CHECK(b->lock_shared_memory(4, 2, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_OK);
  CHECK(a->lock_shared_memory(5, 1, kExclusive) == SQLITE_OK);
}
