#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "edgepost/time.hpp"
#include "edgepost/uplink.hpp"

namespace edgepost {

/// One endpoint as the selector sees it.
struct LaneView {
  bool is_trying = false;  ///< It has, or tries to get, a connection.
  bool is_online = false;
  bool is_refused = false;    ///< Its breaker is open, or it is blocked: no use to wait for it.
  Instant since;              ///< Of being online, or of trying to be.
  std::size_t in_flight = 0;  ///< Unanswered events that were sent through it.
};

/// Says which endpoints should have a connection, and which may be fed; see Failover. It is pure.
/// One selector speaks for the streams that may go to the same endpoints, its *members*. Without
/// split one member is active, the first one that works: a further one is connected when all
/// before it fail, which is when they are refused, or not online for `patience`. An earlier one
/// that has been online for fail_back_after becomes active once the active one has no unanswered
/// events left, and is fed nothing until then: so nothing is overtaken.
class Selector {
 public:
  /// `members` are indices of lanes, in order of preference.
  Selector(const Failover& failover, Duration patience, std::vector<std::size_t> members)
      : is_split_(failover.is_split),
        fail_back_after_(failover.fail_back_after),
        patience_(patience),
        members_(std::move(members)) {}

  /// Looks at all lanes at `now`.
  void advance(Instant now, std::span<const LaneView> lanes);

  /// True when the lane should be connected.
  [[nodiscard]] bool wants(std::size_t lane) const;
  /// True when events may go to the lane.
  [[nodiscard]] bool feeds(std::size_t lane) const;
  /// The lane in use; none while no member is online. With split, the first one that is.
  [[nodiscard]] std::optional<std::size_t> active() const { return active_; }
  /// True unless another than the first member is in use; with split, when all are.
  [[nodiscard]] bool is_first_in_use() const;
  /// When advance() will say something new if nothing happens before.
  [[nodiscard]] Instant wake_up() const { return wake_up_; }

 private:
  void choose(Instant now, std::span<const LaneView> lanes);
  void want(Instant now, std::span<const LaneView> lanes);
  [[nodiscard]] bool has_failed(Instant now, const LaneView& lane) const;

  const bool is_split_;
  const Duration fail_back_after_;
  const Duration patience_;
  const std::vector<std::size_t> members_;

  std::optional<std::size_t> active_;
  bool is_draining_ = false;         // for an earlier one
  std::vector<std::size_t> wanted_;  // of members_
  std::vector<std::size_t> fed_;
  Instant wake_up_ = Instant::max();
};

}  // namespace edgepost
