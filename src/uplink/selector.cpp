#include "uplink/selector.hpp"

#include <algorithm>
#include <iterator>

namespace edgepost {
namespace {

bool has(const std::vector<std::size_t>& lanes, std::size_t lane) {
  return std::find(lanes.begin(), lanes.end(), lane) != lanes.end();
}

}  // namespace

void Selector::advance(Instant now, std::span<const LaneView> lanes) {
  wake_up_ = Instant::max();
  fed_.clear();
  choose(now, lanes);
  want(now, lanes);
  if (is_split_) {
    std::copy_if(members_.begin(), members_.end(), std::back_inserter(fed_),
                 [&](std::size_t lane) { return lanes[lane].is_online; });
  } else if (active_ && !is_draining_) {
    fed_.push_back(*active_);
  }
}

bool Selector::wants(std::size_t lane) const { return has(wanted_, lane); }

bool Selector::feeds(std::size_t lane) const { return has(fed_, lane); }

bool Selector::is_first_in_use() const {
  if (is_split_) return fed_.size() == members_.size();
  return !active_ || *active_ == members_.front();
}

void Selector::choose(Instant now, std::span<const LaneView> lanes) {
  is_draining_ = false;
  if (active_ && !lanes[*active_].is_online) active_.reset();
  for (const std::size_t lane : members_) {
    if (active_ == lane) return;
    if (!lanes[lane].is_online) continue;
    const Instant ready = lanes[lane].since + fail_back_after_;
    if (!active_ || is_split_) {
      active_ = lane;
      return;
    }
    if (now < ready) {
      wake_up_ = std::min(wake_up_, ready);
      continue;
    }
    is_draining_ = lanes[*active_].in_flight > 0;
    if (!is_draining_) active_ = lane;
    return;
  }
}

void Selector::want(Instant now, std::span<const LaneView> lanes) {
  wanted_.clear();
  bool is_needed = true;
  for (const std::size_t lane : members_) {
    if (is_needed || active_ == lane) wanted_.push_back(lane);
    if (!is_needed || is_split_ || has_failed(now, lanes[lane])) continue;
    is_needed = false;
    const bool is_awaited = lanes[lane].is_trying && !lanes[lane].is_online;
    if (is_awaited) wake_up_ = std::min(wake_up_, lanes[lane].since + patience_);
  }
}

bool Selector::has_failed(Instant now, const LaneView& lane) const {
  if (lane.is_refused) return true;
  return lane.is_trying && !lane.is_online && now - lane.since >= patience_;
}

}  // namespace edgepost
