#pragma once

#include <pthread.h>

namespace edgepost {

/// Starts a thread with a stack of 256 KiB that takes no signals from the host, except those its
/// own faults raise. Returns 0, or the errno that says why there is none. The caller joins or
/// detaches it.
int start_thread(pthread_t& thread, void* (*entry)(void*), void* argument);

/// Destroys what threads leave behind, each thread's later than its thread_local objects.
class ThreadEnd {
 public:
  explicit ThreadEnd(void (*destroy)(void*));

  /// Calls `destroy` with `object` when the calling thread ends. The main thread never does.
  void leave(void* object) const { ::pthread_setspecific(key_, object); }

 private:
  pthread_key_t key_{};
};

}  // namespace edgepost
