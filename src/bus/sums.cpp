#include "bus/sums.hpp"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "base/decimal.hpp"

namespace edgepost::bus {
namespace {

// The newest window and two that wait: more means that their taker is stuck, and memory is bounded.
constexpr std::size_t kSpansMax = 3;

// A sum of finite numbers may be none; a power of two takes no digit of any number that is
// measured.
constexpr double kScale = 0x1p-64;

}  // namespace

void Sum::add(double value) {
  minimum_ = count_ == 0 ? value : std::min(minimum_, value);
  maximum_ = count_ == 0 ? value : std::max(maximum_, value);
  total_ += value * kScale;
  last_ = value;
  ++count_;
}

WindowSummary Sum::summary(std::string_view topic, Instant begin) const {
  return {.topic = topic,
          .count = count_,
          .minimum = minimum_,
          .maximum = maximum_,
          .average = total_ / static_cast<double>(count_) / kScale,
          .last = last_,
          .begin = begin};
}

bool Sums::add(std::string_view topic, double value, Instant now) {
  const Duration since = now.time_since_epoch();
  const Instant begin(since - since % length_);
  // A thread that has read the clock before another may come after it.
  if (spans_.empty() || spans_.back().begin < begin) {
    if (spans_.size() == kSpansMax) return false;
    spans_.push_back({begin, {}});
  }
  auto& topics = spans_.back().topics;
  auto found = topics.find(topic);
  if (found == topics.end()) {
    if (topics.size() == topics_max_) return false;
    found = topics.emplace(topic, Sum()).first;
  }
  found->second.add(value);
  return true;
}

Instant Sums::end() const {
  return spans_.empty() ? Instant::max() : spans_.front().begin + length_;
}

std::optional<Sums::Span> Sums::take(Instant now) {
  if (end() > now) return std::nullopt;
  Span span = std::move(spans_.front());
  spans_.pop_front();
  return span;
}

std::string to_json(const WindowSummary& summary) {
  std::string out = "{\"count\":" + std::to_string(summary.count);
  for (const auto& [name, value] :
       {std::pair{"min", summary.minimum}, std::pair{"max", summary.maximum},
        std::pair{"avg", summary.average}, std::pair{"last", summary.last}}) {
    out.append(",\"").append(name).append("\":");
    append_decimal(value, out);
  }
  return out + "}";
}

}  // namespace edgepost::bus
