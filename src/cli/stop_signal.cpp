#include "cli/stop_signal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "edgepost/status.hpp"

namespace edgepost::cli {

StopSignal::StopSignal(std::initializer_list<int> others) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  for (const int other : others)
    sigaddset(&signals, other);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  descriptor_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  EDGEPOST_ASSERT(descriptor_ >= 0);
}

StopSignal::~StopSignal() { close(descriptor_); }

bool StopSignal::wait(Duration patience) const {
  pollfd wanted{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  constexpr Duration::rep kLongestWait = std::numeric_limits<int>::max();
  return poll(&wanted, 1, static_cast<int>(std::clamp<Duration::rep>(wait, 0, kLongestWait))) > 0;
}

int StopSignal::take() const {
  signalfd_siginfo signal{};
  if (read(descriptor_, &signal, sizeof(signal)) != sizeof(signal)) return 0;
  return static_cast<int>(signal.ssi_signo);
}

}  // namespace edgepost::cli
