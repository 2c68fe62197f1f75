#include "support/oracle.hpp"

#include <doctest.h>

namespace edgepost::test {

void Oracle::published(const EventId& id, const Event& event) {
  const std::lock_guard lock(mutex_);
  published_.push_back({id.to_string(), event.key, event.data});
}

void Oracle::arrived(const std::string& source, const std::string& id, const std::string& data) {
  const std::lock_guard lock(mutex_);
  arrived_.push_back({source, id, data});
  seen_.insert(id);
  more_.notify_all();
}

std::size_t Oracle::count() const {
  const std::lock_guard lock(mutex_);
  return seen_.size();
}

bool Oracle::wait_for(std::size_t count, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return more_.wait_for(lock, patience, [&] { return seen_.size() >= count; });
}

std::size_t Oracle::repeats() const {
  const std::lock_guard lock(mutex_);
  return arrived_.size() - seen_.size();
}

void Oracle::check(const std::string& source, const std::set<std::string>& left_out) const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::size_t> places;  // by id, in the order of publishing
  std::size_t missing = 0;
  for (std::size_t i = 0; i < published_.size(); ++i) {
    places[published_[i].id] = i;
    const bool is_wanted = !left_out.contains(published_[i].id);
    if (is_wanted != seen_.contains(published_[i].id)) ++missing;
  }
  std::size_t ghosts = 0, altered = 0, misplaced = 0;
  std::map<std::string, std::size_t> next;  // by key
  std::set<std::string> before;
  for (const Arrived& one : arrived_) {
    const auto found = places.find(one.id);
    if (found == places.end() || one.source != source) {
      ++ghosts;
      continue;
    }
    const auto& [id, key, data] = published_[found->second];
    if (one.data != data) ++altered;
    if (!before.insert(id).second) continue;
    if (found->second < next[key]) ++misplaced;
    next[key] = found->second;
  }
  CHECK(missing == 0);
  CHECK(ghosts == 0);
  CHECK(altered == 0);
  CHECK(misplaced == 0);
}

}  // namespace edgepost::test
