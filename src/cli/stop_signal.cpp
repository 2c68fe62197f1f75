#include "cli/stop_signal.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "edgepost/status.hpp"

namespace edgepost::cli {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  descriptor_ = signalfd(-1, &signals, SFD_CLOEXEC);
  EDGEPOST_ASSERT(descriptor_ >= 0);
}

StopSignal::~StopSignal() { close(descriptor_); }

bool StopSignal::wait(Duration patience) const {
  pollfd wanted{.fd = descriptor_, .events = POLLIN, .revents = 0};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(patience).count();
  return poll(&wanted, 1, static_cast<int>(wait)) > 0;
}

}  // namespace edgepost::cli
