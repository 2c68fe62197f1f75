#include "platform/thread.hpp"

#include <signal.h>

#include <cstddef>
#include <initializer_list>

#include "edgepost/status.hpp"

namespace edgepost {
namespace {

// The default of 8 MiB counts against a small gateway's limits (RLIMIT_AS, cgroups, 32-bit address
// space). The deepest users are a name look-up and a TLS handshake, each well below 100 KiB.
constexpr std::size_t kStackBytes = 256 * 1024;

// Signals belong to the host's own threads, but a fault must still reach its crash handler.
sigset_t signals_of_others() {
  sigset_t signals;
  ::sigfillset(&signals);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    ::sigdelset(&signals, fault);
  }
  return signals;
}

}  // namespace

int start_thread(pthread_t& thread, void* (*entry)(void*), void* argument) {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kStackBytes);
  const sigset_t blocked = signals_of_others();
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const int outcome = ::pthread_create(&thread, &attributes, entry, argument);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_attr_destroy(&attributes);
  return outcome;
}

ThreadEnd::ThreadEnd(void (*destroy)(void*)) {
  EDGEPOST_ASSERT(::pthread_key_create(&key_, destroy) == 0);
}

}  // namespace edgepost
