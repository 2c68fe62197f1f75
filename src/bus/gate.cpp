#include "bus/gate.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "base/decimal.hpp"

namespace edgepost::bus {

Gate::Gate(const SubscribeOptions& options, std::size_t topics_max)
    : options_(options), topics_max_(topics_max) {}

Gate::Verdict Gate::admit(const Event& event, Instant now) {
  if (options_.where && !options_.where(event)) return Verdict::left_out;
  if (!options_.on_change && options_.every == 1 && !has_interval()) return Verdict::passes;
  const std::optional<double> number = options_.on_change ? number_of(event) : std::nullopt;
  const std::lock_guard lock(mutex_);
  Topic* topic = topic_of(event.topic);
  if (topic == nullptr) return Verdict::passes;
  if (options_.on_change && !has_changed(*topic, event, number)) return Verdict::left_out;
  topic->is_new = false;
  const std::uint32_t count = topic->count;
  topic->count = count + 1 == options_.every ? 0 : count + 1;
  if (count != 0) return Verdict::left_out;
  return has_interval() ? pace(*topic, event, now) : Verdict::passes;
}

std::optional<double> Gate::number_of(const Event& event) const {
  std::optional<double> number = options_.value ? options_.value(event) : read_decimal(event.data);
  // What is not a number differs from itself, which would let every event pass.
  if (number && !std::isfinite(*number)) number.reset();
  return number;
}

Gate::Topic* Gate::topic_of(const std::string& name) {
  if (const auto found = places_.find(name); found != places_.end()) {
    topics_.splice(topics_.end(), topics_, found->second);
    return &*found->second;
  }
  if (topics_.size() >= topics_max_) {
    const auto oldest = std::find_if(topics_.begin(), topics_.end(),
                                     [](const Topic& topic) { return !topic.holds; });
    if (oldest == topics_.end()) return nullptr;
    places_.erase(oldest->name);
    topics_.erase(oldest);
  }
  Topic& topic = topics_.emplace_back();
  topic.name = name;
  places_.emplace(topic.name, std::prev(topics_.end()));
  return &topic;
}

bool Gate::has_changed(Topic& topic, const Event& event,
                       const std::optional<double>& number) const {
  if (!topic.is_new && number.has_value() == topic.number.has_value()) {
    const bool is_same =
        number ? std::abs(*number - *topic.number) <= options_.dead_band : event.data == topic.data;
    if (is_same) return false;
  }
  topic.number = number;
  if (!number) topic.data = event.data;
  return true;
}

Gate::Verdict Gate::pace(Topic& topic, const Event& event, Instant now) {
  if (now >= topic.due && !topic.holds) {
    topic.due = now + options_.interval;
    return Verdict::passes;
  }
  if (!options_.latest) return Verdict::left_out;
  if (!topic.held) topic.held = std::make_unique<Event>();
  *topic.held = event;
  if (topic.holds) return Verdict::left_out;
  topic.holds = true;
  line_.push_back({topic.due, held_ever_++, &topic});
  std::push_heap(line_.begin(), line_.end(), std::greater<>());
  return Verdict::held;
}

bool Gate::release(Instant now, std::unique_ptr<Event>& out) {
  if (!has_interval()) return false;
  const std::lock_guard lock(mutex_);
  if (line_.empty() || line_.front().due > now) return false;
  std::pop_heap(line_.begin(), line_.end(), std::greater<>());
  Topic& topic = *line_.back().topic;
  line_.pop_back();
  out.swap(topic.held);
  topic.holds = false;
  topic.due = now + options_.interval;
  return true;
}

Instant Gate::next_due() const {
  if (!has_interval()) return Instant::max();
  const std::lock_guard lock(mutex_);
  return line_.empty() ? Instant::max() : line_.front().due;
}

std::size_t Gate::held() const {
  const std::lock_guard lock(mutex_);
  return line_.size();
}

}  // namespace edgepost::bus
