#include "store/cursor.hpp"

namespace edgepost::store {

bool Cursor::is_done_locked(std::uint64_t sequence) const {
  const std::uint64_t floor = floor_;
  if (sequence <= floor) return true;
  const std::uint64_t place = sequence - floor - 1;
  return place < above_.size() && above_[static_cast<std::size_t>(place)];
}

bool Cursor::is_done(std::uint64_t sequence) const {
  const std::lock_guard lock(mutex_);
  return is_done_locked(sequence);
}

bool Cursor::acknowledge(std::uint64_t sequence) {
  const std::lock_guard lock(mutex_);
  if (is_done_locked(sequence)) return false;
  const auto place = static_cast<std::size_t>(sequence - floor_ - 1);
  if (above_.size() <= place) above_.resize(place + 1);
  above_[place] = true;
  for (; !above_.empty() && above_.front(); ++floor_)
    above_.pop_front();
  ++changes_;
  return true;
}

void Cursor::raise(std::uint64_t floor) {
  const std::lock_guard lock(mutex_);
  for (; floor_ < floor; ++floor_) {
    if (!above_.empty()) above_.pop_front();
  }
  for (; !above_.empty() && above_.front(); ++floor_)
    above_.pop_front();
  ++changes_;
}

Floor Cursor::snapshot() const {
  const std::lock_guard lock(mutex_);
  Floor taken{id, start_, floor_, {}, changes_};
  bool value = false;
  std::uint64_t length = 0;
  for (const bool is_acknowledged : above_) {
    if (is_acknowledged != value) {
      taken.runs.push_back(length);
      value = is_acknowledged;
      length = 0;
    }
    ++length;
  }
  if (value) taken.runs.push_back(length);
  return taken;
}

void Cursor::restore(const Floor& from) {
  const std::lock_guard lock(mutex_);
  start_ = from.start;
  floor_ = from.floor;
  changes_ = from.changes;
  above_.clear();
  bool value = false;
  for (const std::uint64_t length : from.runs) {
    above_.insert(above_.end(), static_cast<std::size_t>(length), value);
    value = !value;
  }
}

}  // namespace edgepost::store
