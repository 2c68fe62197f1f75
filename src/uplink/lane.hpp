#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "uplink/batch.hpp"
#include "uplink/brain.hpp"
#include "uplink/health.hpp"
#include "uplink/uplink.hpp"

namespace edgepost {

/// One endpoint of an uplink: its transport, what decides for it, and what is known of it.
struct Uplink::Lane final : TransportSink {
  Lane(Uplink& owner, std::size_t number, std::unique_ptr<Transport> to)
      : uplink(owner),
        index(number),
        transport(std::move(to)),
        address(transport->address()),
        brain(owner.options_, *owner.platform_.random),
        batch(owner.options_.batch_events) {}

  void on_connected(const PeerLimits& limits) override { uplink.on_connected(*this, limits); }
  void on_disconnected(const Answer& why) override { uplink.on_disconnected(*this, why); }
  void on_answer(std::uint64_t token, const Answer& answer) override {
    uplink.on_answer(*this, token, answer);
  }
  Status on_received(std::span<Received> received) override {
    return uplink.on_received(*this, received);
  }
  std::string cursor() override {
    return uplink.hooks_.cursor ? uplink.hooks_.cursor(address) : std::string();
  }
  void on_probed(bool is_reachable) override { uplink.on_probed(*this, is_reachable); }
  void on_call(const Call& call) override { uplink.on_call(*this, call); }

  [[nodiscard]] bool is_online() const { return brain.state() == UplinkState::online; }
  /// True while its transport has something to do besides waiting for wake().
  [[nodiscard]] bool is_busy() const {
    return brain.state() != UplinkState::stopped && brain.state() != UplinkState::blocked;
  }

  Uplink& uplink;
  const std::size_t index;
  const std::unique_ptr<Transport> transport;
  const std::string address;
  Brain brain;
  BatchSize batch;
  Latency latency;
  std::vector<std::size_t> in_flight;  // by route
  std::vector<Linger> lingers;         // by route

  std::size_t request_events = 0;   // of the request in progress, where events go in requests
  bool is_request_refused = false;  // as a whole
  Instant since;                    // of being online, or of trying to be
  Instant paused_until;             // as told
  UplinkState state = UplinkState::stopped;     // as told
  BreakerState breaker = BreakerState::closed;  // as told
  Traffic traffic;                              // as counted
  Instant counted_at;

  // For log and audit.
  std::uint64_t connection = 0;  // its number
  std::uint64_t calls = 0;       // on it
  Instant attempt_at;
  std::optional<bool> was_reachable;
  Answer sending;  // of the row of equal answers that is open
  std::size_t sending_events = 0;
  Instant sending_since;
};

}  // namespace edgepost
