#include "platform/barrier.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "edgepost/status.hpp"

namespace edgepost {
namespace {

long membarrier(int command) { return ::syscall(SYS_membarrier, command, 0U, 0); }

}  // namespace

Barrier Barrier::best() {
  // The command is for processes that have registered; they may do so again and again.
  return Barrier(membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
                 membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0);
}

void Barrier::heavy() const {
  if (!is_asymmetric_) return std::atomic_thread_fence(std::memory_order_seq_cst);
  // A filter of system calls that is put on later is the only way for it to fail; nothing could
  // replace it, since other threads rely on it without a word.
  EDGEPOST_ASSERT(membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0);
}

}  // namespace edgepost
