#include "platform/probe.hpp"

#include <chrono>

namespace edgepost {
namespace {

// The kernel repeats a lost SYN after one second, then after three and seven: a new probe each
// second notices sooner than an old one that a link is back.
constexpr Duration kTimeout = std::chrono::seconds(1);

}  // namespace

void Probe::start(Instant now) {
  if (dial_.state() == Dial::State::idle) dial_.start(now, kTimeout);
}

Instant Probe::due() const {
  // A failure that came at once has not been told yet.
  return dial_.state() == Dial::State::failed ? Instant::min() : dial_.due();
}

std::optional<bool> Probe::step(Instant now) {
  const Dial::State state = dial_.step(now);
  if (state != Dial::State::connected && state != Dial::State::failed) return {};
  dial_.cancel();
  return state == Dial::State::connected;
}

}  // namespace edgepost
