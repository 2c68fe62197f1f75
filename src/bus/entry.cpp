#include "bus/entry.hpp"

#include <algorithm>
#include <utility>

namespace edgepost::bus {

Entry::Entry(std::weak_ptr<Shared> bus_, std::uint64_t number_, std::string_view filter_,
             Handler handler)
    : bus(std::move(bus_)), number(number_), filter(filter_), handler_(std::move(handler)) {}

std::optional<Status> Entry::call(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (!active_) return std::nullopt;
    callers_.push_back(std::this_thread::get_id());
  }
  Status status = handler_(event);
  leave();
  return status;
}

void Entry::leave() {
  const std::lock_guard lock(mutex_);
  callers_.erase(std::find(callers_.begin(), callers_.end(), std::this_thread::get_id()));
  if (!active_) left_.notify_all();
}

bool Entry::end() {
  Handler done;  // destroyed without the lock: what it holds may come back to the bus
  std::unique_lock lock(mutex_);
  active_ = false;
  const auto self = std::find(callers_.begin(), callers_.end(), std::this_thread::get_id());
  if (self != callers_.end()) return false;
  left_.wait(lock, [this] { return callers_.empty(); });
  done.swap(handler_);
  return true;
}

}  // namespace edgepost::bus
