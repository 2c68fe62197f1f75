#include "uplink/hangups.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace edgepost {

void Hangups::acknowledged(const Place& place) {
  ++passed_;
  if (losses_ == 0 && culprits_.empty()) return;
  const bool is_stranger = !clear_suspect(place) && is_one_at_a_time();
  if (is_stranger) waited_ = is_before_awaited(place) ? 0 : waited_ + 1;
  if (culprits_.contains(place) || waited_ > kPatience) absolve();
}

bool Hangups::lost(std::span<const Place> unanswered) {
  waited_ = 0;
  is_way_cleared_ = false;
  const bool is_alone = unanswered.size() == 1;
  const auto known = culprits_.find(unanswered.front());
  if (is_alone && known != culprits_.end()) {
    clear_suspect(known->first);
    return died_at(known->second);
  }

  std::set<Place> common;
  for (const Place& place : unanswered) {
    if (suspects_.contains(place)) common.insert(place);
  }
  losses_ = common.empty() ? 1 : losses_ + 1;
  if (common.empty()) common.insert(unanswered.begin(), unanswered.end());
  suspects_ = std::move(common);
  if (!is_alone || losses_ < kSeveral) return false;

  suspects_.clear();
  losses_ = 0;
  is_way_cleared_ = true;
  const auto culprit = culprits_.try_emplace(unanswered.front(), Culprit{.passed = passed_}).first;
  if (culprits_.size() > kCulpritsMax) {
    culprits_.erase(culprit == culprits_.begin() ? std::next(culprit) : culprits_.begin());
  }
  return false;
}

void Hangups::forget(const Place& place) {
  clear_suspect(place);
  culprits_.erase(place);
}

// Returns whether it was one.
bool Hangups::clear_suspect(const Place& place) {
  const bool was_suspect = suspects_.erase(place) > 0;
  if (suspects_.empty()) losses_ = 0;
  return was_suspect;
}

// Whether one of those that are waited for comes later in its stream: its turn is still to come.
bool Hangups::is_before_awaited(const Place& place) const {
  const auto suspect = suspects_.upper_bound(place);
  const auto culprit = culprits_.upper_bound(place);
  return (suspect != suspects_.end() && suspect->stream == place.stream) ||
         (culprit != culprits_.end() && culprit->first.stream == place.stream);
}

bool Hangups::died_at(Culprit& culprit) {
  const bool is_guilty = passed_ > culprit.passed;
  if (is_guilty) ++culprit.guilt;
  culprit.passed = passed_;
  // Few others may be left: they are not spent in one go.
  is_way_cleared_ = culprit.guilt < kSoon;
  return is_guilty;
}

// The link was to blame, or what was waited for does not come.
void Hangups::absolve() {
  suspects_.clear();
  losses_ = 0;
  culprits_.clear();
  is_way_cleared_ = false;
  waited_ = 0;
}

const unsigned* Hangups::guilt(const Place& place) const {
  const auto culprit = culprits_.find(place);
  return culprit == culprits_.end() ? nullptr : &culprit->second.guilt;
}

bool Hangups::is_ready(const Place& place) const {
  const auto culprit = culprits_.find(place);
  return culprit != culprits_.end() && passed_ > culprit->second.passed;
}

bool Hangups::expects_culprit() const {
  return is_way_cleared_ && std::any_of(culprits_.begin(), culprits_.end(), [this](const auto& c) {
           return passed_ > c.second.passed;
         });
}

}  // namespace edgepost
