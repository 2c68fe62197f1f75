#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "edgepost/platform.hpp"
#include "edgepost/stream.hpp"
#include "edgepost/transport.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// Drains consumers over a transport: it carries out what the brain (brain.hpp) decides. All of
/// its time comes as an argument; a thread, where there is one, belongs to its caller.
/// Threads: one thread at a time, except wake(), status() and retry_now().
class Uplink final : private TransportSink {
 public:
  /// Must outlive: `platform`'s parts this object.
  Uplink(UplinkOptions options, std::unique_ptr<Transport> transport,
         std::vector<Consumer> consumers, const Platform& platform);

  /// Does what is due: connects, sends what fits the window, takes answers, and returns when it
  /// wants to be called again at the latest. Blocks: in the transport, up to `wait` (more only for
  /// a host name look-up); returns early when something happened or after wake().
  Instant step(Instant now, Duration wait);

  /// From now on nothing new is sent; answers are awaited until `deadline`, then it disconnects
  /// and is stopped. step() must go on being called until is_stopped().
  void request_stop(Instant deadline);

  /// True when stopped.
  [[nodiscard]] bool is_stopped() const;

  /// Says that a stream of it has new events. Cheap when the uplink is busy anyway. Threads: any.
  void wake();

  /// Leaves `blocked` or a running back-off at once. Threads: any.
  void retry_now();

  /// Threads: any.
  [[nodiscard]] UplinkStatus status() const;
};

}  // namespace edgepost
