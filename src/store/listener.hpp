#pragma once

#include <functional>

#include "edgepost/gateway_status.hpp"
#include "edgepost/stream.hpp"
#include "store/stream_log.hpp"

namespace edgepost::store {

/// How a store tells its owner what happened, on whatever thread it happened. on_stored runs while
/// that thread has the turn to commit: it must not write to the store.
struct StoreListener {
  std::function<void(StreamLog&)> on_stored;  ///< Events of this stream were committed.
  std::function<void()> on_due;               ///< step() is wanted earlier than it last said.
  /// Limits have dropped events; called by step(), not with the turn to commit.
  std::function<void(const StreamLog&, const Dropped&)> on_dropped;
};

}  // namespace edgepost::store
