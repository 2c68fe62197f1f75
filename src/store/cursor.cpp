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

Outcome Floor::outcome(std::uint64_t sequence) const {
  if (sequence <= floor) return Outcome::acknowledged;
  const std::uint64_t place = sequence - floor - 1;
  return place < above.size() ? above[static_cast<std::size_t>(place)] : Outcome::open;
}

void Floor::climb() {
  for (; !above.empty() && above.front() != Outcome::open; ++floor) {
    add_run(passed, above.front(), 1);
    above.pop_front();
  }
}

bool Floor::settle(std::uint64_t sequence, Outcome outcome) {
  EDGEPOST_ASSERT(outcome != Outcome::open);
  if (this->outcome(sequence) != Outcome::open) return false;
  const auto place = static_cast<std::size_t>(sequence - floor - 1);
  if (above.size() <= place) above.resize(place + 1, Outcome::open);
  above[place] = outcome;
  climb();
  ++changes;
  return true;
}

void Floor::raise(std::uint64_t sequence, Outcome outcome) {
  if (sequence <= floor) return;
  for (; floor < sequence && !above.empty(); ++floor) {
    add_run(passed, above.front() == Outcome::open ? outcome : above.front(), 1);
    above.pop_front();
  }
  add_run(passed, outcome, sequence - floor);
  floor = sequence;
  climb();
  ++changes;
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

bool Cursor::settle(std::uint64_t sequence, Outcome outcome) {
  const std::lock_guard lock(mutex_);
  const bool is_news = state_.settle(sequence, outcome);
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

std::uint64_t Cursor::acknowledged_floor() const {
  const std::lock_guard lock(mutex_);
  return state_.acknowledged_floor();
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
