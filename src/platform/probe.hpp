#pragma once

#include <poll.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "edgepost/time.hpp"
#include "platform/dial.hpp"

namespace edgepost {

/// Finds out whether anybody listens at a TCP port: look-up, one connection after the other, each
/// closed as soon as it is made. Nothing is sent.
/// Threads: one at a time.
class Probe {
 public:
  Probe(std::string host, std::uint16_t port) : dial_(std::move(host), port) {}

  /// Begins, unless one is in progress.
  void start(Instant now);
  void cancel() { dial_.cancel(); }
  void add_descriptors(std::vector<pollfd>& to) const { dial_.add_descriptors(to); }
  /// When step() must be called although no descriptor is ready.
  [[nodiscard]] Instant due() const;
  /// True or false when it is decided, once; nothing while it is not.
  std::optional<bool> step(Instant now);

 private:
  Dial dial_;
};

}  // namespace edgepost
