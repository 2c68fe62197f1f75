#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "bus/filter_index.hpp"
#include "bus/gate.hpp"
#include "edgepost/event.hpp"
#include "edgepost/gateway.hpp"
#include "store/stream_log.hpp"

namespace edgepost {

/// Which streams take which topics. Threads: any.
class Routes {
 public:
  /// Where an event goes.
  struct Ways {
    std::vector<store::StreamLog*> streams{};      ///< Each once, in the order of their routes.
    bool is_taken = false;                         ///< Some route has its topic, sampled or not.
    Durability durability = Durability::buffered;  ///< The strictest that a route asks for.
  };

  /// Adds a route. Requires: valid filter and options.
  void add(std::string_view filter, store::StreamLog& stream, const RouteOptions& options);

  /// Makes the filters of `stream` routes, instead of those it had, and forgets deleted streams.
  void set_own(store::StreamLog& stream);

  /// The streams of `event`, which counts for sampling; `durability` is what its publisher wants.
  Ways find(const Event& event, Durability durability, Instant now) const;

 private:
  struct Sampler {
    SubscribeOptions options;
    bus::Gate gate{options};
  };
  struct Route : bus::Listener {
    std::string filter;
    store::StreamLog* stream = nullptr;
    bool is_own = false;  // one of the stream's own filters, not from add()
    std::optional<Durability> durability{};
    std::unique_ptr<Sampler> sampler{};  // null: it takes every event
  };

  void insert(std::unique_ptr<Route> route);

  mutable std::shared_mutex mutex_;
  std::vector<std::unique_ptr<Route>> routes_;
  bus::FilterIndex index_;  // of routes_
  std::uint64_t last_rank_ = 0;
};

}  // namespace edgepost
