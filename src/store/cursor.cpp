#include "store/cursor.hpp"

#include <algorithm>

#include "edgepost/status.hpp"

namespace edgepost::store {

void add_run(std::vector<Run>& runs, Outcome outcome, std::uint64_t count) {
  if (count == 0) return;
  if (!runs.empty() && runs.back().outcome == outcome) {
    runs.back().count += count;
  } else {
    runs.push_back({outcome, count});
  }
}

// The first range that ends at `sequence` or behind it. Most that is settled is the first or last.
std::size_t Floor::find(std::uint64_t sequence) const {
  if (above.empty() || sequence > above.back().to) return above.size();
  const auto found =
      std::lower_bound(above.begin(), above.end(), sequence,
                       [](const Range& range, std::uint64_t wanted) { return range.to < wanted; });
  return static_cast<std::size_t>(found - above.begin());
}

Outcome Floor::outcome(std::uint64_t sequence) const {
  if (sequence <= floor) return Outcome::acknowledged;
  const std::size_t place = find(sequence);
  return place < above.size() && above[place].from <= sequence ? above[place].outcome
                                                               : Outcome::open;
}

// Settles open sequences, all of which lie before the range at `place`, joining what is alike.
void Floor::fill(std::size_t place, std::uint64_t from, std::uint64_t to, Outcome outcome) {
  Range* before = place > 0 ? &above[place - 1] : nullptr;
  Range* behind = place < above.size() ? &above[place] : nullptr;
  if (before != nullptr && (before->to + 1 != from || before->outcome != outcome)) before = nullptr;
  if (behind != nullptr && (to + 1 != behind->from || behind->outcome != outcome)) behind = nullptr;
  const auto at = above.begin() + static_cast<std::ptrdiff_t>(place);
  if (before != nullptr) {
    before->to = behind != nullptr ? behind->to : to;
    if (behind != nullptr) above.erase(at);
  } else if (behind != nullptr) {
    behind->from = from;
  } else {
    above.insert(at, {from, to, outcome});
    ++pieces;
  }
}

void Floor::climb() {
  for (; !above.empty() && above.front().from == floor + 1; above.pop_front()) {
    add_run(passed, above.front().outcome, above.front().to - floor);
    floor = above.front().to;
  }
}

bool Floor::settle(std::uint64_t from, std::uint64_t to, Outcome outcome) {
  EDGEPOST_ASSERT(outcome != Outcome::open);
  from = std::max(from, floor + 1);
  if (from == floor + 1 && from <= to && (above.empty() || to < above.front().from)) {
    add_run(passed, outcome, to - floor);
    floor = to;
    climb();
    ++changes;
    return true;
  }
  bool is_news = false;
  while (from <= to) {
    const std::size_t place = find(from);
    const bool is_last = place == above.size();
    const std::uint64_t end = is_last ? to : std::min(to, above[place].from - 1);
    const std::uint64_t next = is_last ? to + 1 : above[place].to + 1;
    if (from <= end) {
      is_news = true;
      fill(place, from, end, outcome);
    }
    from = next;
  }
  if (!is_news) return false;
  climb();
  ++changes;
  if (outcome == Outcome::acknowledged) ++news_above;
  return true;
}

void Floor::raise(std::uint64_t sequence, Outcome outcome) {
  if (sequence > floor) settle(floor + 1, sequence, outcome);
}

void Floor::forget_passed(std::uint64_t sequence) {
  auto run = passed.begin();
  while (run != passed.end() && passed_from < sequence) {
    const std::uint64_t count = std::min(run->count, sequence - passed_from);
    passed_from += count;
    run->count -= count;
    if (run->count == 0) ++run;
  }
  passed.erase(passed.begin(), run);
  pieces = 0;
}

std::uint64_t Floor::acknowledged_floor() const {
  const bool is_next = !passed.empty() && passed.front().outcome == Outcome::acknowledged;
  return passed_from + (is_next ? passed.front().count : 0);
}

bool Cursor::is_done(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  return state_.outcome(sequence) != Outcome::open;
}

void Cursor::publish() {
  floor_ = state_.floor;
  changes_ = state_.changes;
}

std::size_t Cursor::ranges() const {
  const std::lock_guard lock(mutex_);
  return state_.above.size();
}

bool Cursor::settle(std::uint64_t from, std::uint64_t to, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  const bool is_news = state_.settle(from, to, outcome);
  publish();
  return is_news;
}

void Cursor::raise(std::uint64_t sequence, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  state_.raise(sequence, outcome);
  publish();
}

void Cursor::forget_passed(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  state_.forget_passed(sequence);
}

Cursor::News Cursor::take_news(std::size_t ranges_max) {
  const std::lock_guard lock(mutex_);
  News news;
  const std::uint64_t floor = state_.acknowledged_floor();
  if (std::exchange(told_floor_, floor) != floor) news.floor = floor;
  if (std::exchange(told_above_, state_.news_above) == state_.news_above) return news;
  news.is_urgent = state_.pieces >= ranges_max / 2 && fresh_to > floor;
  const auto& above = state_.above;
  for (auto range = above.rbegin(); range != above.rend() && news.above.size() < ranges_max;
       ++range) {
    if (range->outcome == Outcome::acknowledged) news.above.push_back(*range);
  }
  return news;
}

Floor Cursor::snapshot() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void Cursor::restore(const Floor& from) {
  const std::lock_guard lock(mutex_);
  state_ = from;
  state_.passed_from = from.floor;
  state_.passed.clear();
  publish();
}

}  // namespace edgepost::store
