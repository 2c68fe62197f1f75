#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "edgepost/consumer.hpp"
#include "edgepost/stream.hpp"
#include "store/store.hpp"

namespace edgepost {

/// A consumer that is open. The mutex is held while it reads, so that closing the store waits.
struct Consumer::State {
  State(store::Store& owner, store::StreamLog& log, std::shared_ptr<store::Cursor> place)
      : store(&owner), stream(log), cursor(std::move(place)) {
    position.next = cursor->floor() + 1;
  }
  ~State() { cursor->is_open = false; }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  std::mutex mutex;
  store::Store* store;  ///< Null once the gateway is closed.
  store::StreamLog& stream;
  std::shared_ptr<store::Cursor> cursor;
  store::ReadPosition position;
  std::uint64_t fetched_max = 0;  ///< The highest sequence ever handed out.
};

}  // namespace edgepost
