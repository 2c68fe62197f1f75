#pragma once

#include <pthread.h>

namespace edgepost {

/// Starts a thread with a stack of 256 KiB that takes no signals from the host, except those its
/// own faults raise. Returns 0, or the errno that says why there is none. The caller joins or
/// detaches it.
int start_thread(pthread_t& thread, void* (*entry)(void*), void* argument);

}  // namespace edgepost
