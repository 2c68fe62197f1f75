#include <utility>

#include "store/consumer_state.hpp"
#include "store/store.hpp"

namespace edgepost::store {

void Store::bury(Burial burial) {
  const Instant now = options_.platform.clock->now();
  {
    const std::lock_guard lock(pending_mutex_);
    burials_.push_back(std::move(burial));
  }
  due_at(now);
}

Result<std::vector<Event>> Store::requeued(const StreamLog& /*stream*/, const Cursor& /*cursor*/,
                                           std::uint64_t /*after*/, std::size_t /*count*/) {
  return std::vector<Event>();
}

void Store::redelivered(const StreamLog& /*stream*/, const Cursor& /*cursor*/,
                        std::uint64_t /*sequence*/) {}

}  // namespace edgepost::store
